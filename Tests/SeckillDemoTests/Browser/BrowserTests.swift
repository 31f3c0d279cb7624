import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// People with browsers: Scripts/browser-test runs them.
@Suite(.enabled(if: Browser.driver != nil, "needs a browser: run Scripts/browser-test"), .serialized)
struct BrowserTests {
    private func front(
        stock: Int = 1,
        title: String = "Pocket Phone 9, midnight blue",
        more: String = "",
        ledger: any OrderLedger = MemoryOrderLedger(),
        _ change: (inout Settings) -> Void = { _ in }
    ) async throws -> Storefront {
        let front = try Storefront(ledger: ledger) {
            $0.asksChallenge = true
            $0.workBits = 12
            $0.rateLimit = nil
            change(&$0)
        }
        let name = String(decoding: JSON.string(title).bytes, as: UTF8.self)
        let body = #"{"id":"phone","title":\#(name),"price":19900,"stock":\#(stock),"paymentWindow":60\#(more)}"#
        let answer = try await front.admin(.post, "/admin/sales", body)
        guard answer.status == 201 else { throw Unexpected(answer: answer) }
        return front
    }

    /// Opens a browser at the sale's page and logs in.
    private func at(
        _ front: Storefront,
        _ port: Int,
        _ screen: Browser.Screen = .phone,
        user: String,
        asked: Bool = true,
        _ body: (Browser) async throws -> Void
    ) async throws {
        let clock = front.clock
        try await Browser.with(screen, at: port, clock: { clock.advance(by: .milliseconds(50)) }) { browser in
            try await browser.open("/sales/phone")
            try await browser.waits(for: "document.getElementById('name-here').checkVisibility()")
            try await browser.type(user, into: "#name-here")
            try await browser.click("#login-here button")
            try await browser.sees(user, in: "#visitor bdi")
            if asked { try await browser.waits(for: "document.querySelector('#drawing svg path') !== null") }
            try await body(browser)
            #expect(try await browser.console() == [])
        }
    }

    /// Types what is drawn, which the test knows from the generator and not from the page.
    private func answer(_ front: Storefront, _ browser: Browser) async throws {
        try await browser.type(solution(front, browser), into: "#answer")
    }

    private func solution(_ front: Storefront, _ browser: Browser) async throws -> String {
        let drawn = try await browser.evaluate("document.querySelector('#drawing svg').outerHTML").text ?? ""
        let fields = ["svg": drawn.replacing("></path>", with: "/>")]
        return try front.book.solve(ChallengePrompt(id: "", fields: fields))
    }

    @Test func oneBuysByWorkAndPaysAndAnotherSeesItSoldOut() async throws {
        let front = try await front()
        try await front.whileServing { port, _ in
            try await at(front, port, user: "bob") { bob in
                try await at(front, port, user: "alice") { alice in
                    try await alice.click("#work")
                    try await alice.sees("It is yours if you pay in time", in: "#order-text")
                    try await bob.sees("Sold out", in: "#state")
                    try await bob.sees("Sold out", in: "#buy-button")
                    #expect(try await bob.evaluate("document.getElementById('buy-button').disabled") == .bool(true))
                    try await alice.click("#pay")
                    try await alice.sees("Paid. Thank you", in: "#order-text")
                    try await alice.open("/orders")
                    try await alice.sees("Paid", in: "#orders .badge")
                }
            }
        }
    }

    @Test func whoDoesNotPayLosesItToTheNext() async throws {
        let front = try await front()
        try await front.whileServing { port, _ in
            try await at(front, port, user: "bob") { bob in
                try await at(front, port, user: "alice") { alice in
                    try await alice.click("#another")
                    try await alice.waits(for: "!question.pending")
                    try await answer(front, alice)
                    try await alice.click("#buy-button")
                    try await alice.sees("Pay within", in: "#deadline")
                    try await bob.sees("Sold out", in: "#state")
                    front.clock.advance(by: .seconds(60))
                    try await alice.sees("It was not paid in time", in: "#order-text")
                    try await bob.sees("On sale", in: "#state")
                    try await bob.sees("1 of 1 left", in: "#left")
                    // Bob's own sum may have become too old meanwhile, as it would for a person.
                    try await bob.click("#another")
                    try await bob.waits(for: "!question.pending")
                    try await answer(front, bob)
                    try await bob.click("#buy-button")
                    try await bob.sees("It is yours if you pay in time", in: "#order-text")
                    try await bob.click("#cancel")
                    try await bob.sees("You cancelled it", in: "#order-text")
                    try await alice.sees("On sale", in: "#state")
                }
            }
        }
    }

    @Test func aMouseIsNotNeeded() async throws {
        let front = try await front()
        try await front.whileServing { port, _ in
            let clock = front.clock
            try await Browser.with(.desktop, at: port, clock: { clock.advance(by: .milliseconds(50)) }) { browser in
                func tabs(to selector: String) async throws {
                    for _ in 0..<20 {
                        try await browser.press(Browser.tab)
                        if try await browser.evaluate("document.activeElement.matches('\(selector)')") == .bool(true) {
                            return
                        }
                    }
                    Issue.record("no way to \(selector) by the keyboard")
                }
                try await browser.open("/")
                try await browser.press(Browser.tab)
                #expect(try await browser.evaluate("document.activeElement.className") == "skip")
                try await tabs(to: ".card a")
                try await browser.press(Browser.enter)
                try await browser.waits(for: "document.getElementById('login-here')?.checkVisibility() === true")
                try await tabs(to: "#name-here")
                try await browser.press("carol" + Browser.enter)
                try await browser.waits(for: "document.querySelector('#drawing svg path') !== null")
                try await tabs(to: "#answer")
                try await browser.press("999" + Browser.enter)
                try await browser.sees("That was not the answer", in: "#message")
                try await browser.waits(for: "!busy && question !== null && !question.pending")
                try await tabs(to: "#answer")
                try await browser.press(solution(front, browser) + Browser.enter)
                try await browser.sees("It is yours", in: "#order-text")
                try await tabs(to: "#pay")
                try await browser.press(Browser.enter)
                try await browser.sees("Paid. Thank you", in: "#order-text")
            }
        }
    }

    @Test func everythingHasANameAndNothingIsWiderThanASmallPhone() async throws {
        let front = try await front(stock: 5, title: String(repeating: "Unbreakable", count: 18))
        try await front.whileServing { port, _ in
            try await at(front, port, .narrow, user: String(repeating: "n", count: 128)) { browser in
                func look(_ page: String) async throws {
                    #expect(try await browser.evaluate("document.documentElement.scrollWidth") == 360, "\(page)")
                    #expect(try await browser.nameless() == [], "\(page)")
                    #expect(try await browser.evaluate("document.querySelectorAll('h1').length") == 1, "\(page)")
                }
                try await look("sale")
                try await answer(front, browser)
                try await browser.click("#buy-button")
                try await browser.sees("Pay within", in: "#deadline")
                try await look("order")
                try await browser.open("/orders")
                try await browser.sees("Pay within", in: "#orders .card")
                try await look("orders")
                try await browser.open("/")
                try await look("list")
                try await browser.open("/admin")
                try await enter(browser)
                try await look("admin")
            }
        }
    }

    private func enter(_ browser: Browser) async throws {
        try await browser.waits(for: "document.getElementById('token').checkVisibility()")
        try await browser.type(Storefront.token, into: "#token")
        try await browser.click("#token-form button")
        try await browser.waits(for: "document.getElementById('units-key').children.length === 5")
    }

    @Test func hostileTextIsInert() async throws {
        let title = PageTests.hostile.replacing("x()", with: "(window.hit=1)")
        let user = "<b onmouseover=alert(1)>\"'\u{202E}&amp;"
        let front = try await front(stock: 3, title: title)
        try await front.whileServing { port, _ in
            try await at(front, port, .desktop, user: user) { browser in
                func isInert(_ page: String) async throws {
                    #expect(try await browser.evaluate("window.hit === undefined") == .bool(true), "\(page)")
                    let foreign =
                        "document.querySelectorAll('img, b, script:not([src]), [onerror], [onclick], [onmouseover]').length"
                    #expect(try await browser.evaluate(foreign) == 0, "\(page)")
                    #expect(try await browser.console() == [], "\(page)")
                    let whole = String(decoding: JSON.string(title).bytes, as: UTF8.self)
                    #expect(
                        try await browser.evaluate("document.body.textContent.includes(\(whole))") == .bool(true),
                        "\(page)"
                    )
                }
                try await isInert("sale")
                try await answer(front, browser)
                try await browser.click("#buy-button")
                try await browser.sees("Pay within", in: "#deadline")
                try await browser.open("/orders")
                try await browser.sees("Pay within", in: "#orders .card")
                try await isInert("orders")
                try await browser.open("/")
                try await isInert("list")
                try await browser.open("/admin")
                try await enter(browser)
                try await isInert("admin")
            }
        }
    }

    /// The ledger takes nothing, so the order stays where no list shows it: on its way.
    @Test func anOrderOnItsWayIsStillThereWhenThePageIsLoadedAgain() async throws {
        let faults = Faults(clock: ManualClock())
        let front = try await front(ledger: faults.wrap(MemoryOrderLedger()))
        faults.inject(.failBefore, into: "record", calls: 1...100_000)
        try await front.whileServing { port, _ in
            try await at(front, port, user: "erin") { erin in
                try await answer(front, erin)
                try await erin.click("#buy-button")
                try await erin.sees("One is held for you", in: "#order-text")
                try await erin.open("/sales/phone")
                try await erin.sees("One is held for you", in: "#order-text")
                try await erin.open("/orders")
                try await erin.sees("In line", in: "#orders .badge")
                faults.heal()
                try await erin.sees("To be paid", in: "#orders .badge")
            }
        }
    }

    @Test func withoutEventsThePageAsks() async throws {
        let front = try await front()
        try await front.whileServing { port, _ in
            let clock = front.clock
            try await Browser.with(at: port, clock: { clock.advance(by: .milliseconds(50)) }) { browser in
                _ = try await browser.command("Network.enable", [:])
                _ = try await browser.command("Network.setBlockedURLs", ["urls": .array(["*/events*"])])
                try await browser.open("/sales/phone")
                try await browser.waits(for: "document.getElementById('name-here').checkVisibility()")
                try await browser.type("dave", into: "#name-here")
                try await browser.click("#login-here button")
                try await browser.waits(for: "document.querySelector('#drawing svg path') !== null")
                try await browser.click("#work")
                try await browser.sees("It is yours if you pay in time", in: "#order-text")
                _ = try await front.admin(.post, "/admin/sales/phone/restock", #"{"add":1}"#)
                try await browser.sees("1 of 2 left", in: "#left")
            }
        }
    }

    @Test func theOperatorWatchesAndActs() async throws {
        let front = try await front(stock: 300, more: #","limitPerUser":2"#) { $0.asksChallenge = false }
        try await front.whileServing { port, _ in
            let clock = front.clock
            try await Browser.with(.desktop, at: port, clock: { clock.advance(by: .milliseconds(50)) }) { browser in
                try await browser.open("/admin")
                try await browser.waits(for: "document.getElementById('token').checkVisibility()")
                try await browser.type("wrong", into: "#token")
                try await browser.click("#token-form button")
                try await browser.sees("That is not the operator’s token", in: "#message")
                try await enter(browser)
                for round in 0..<12 {
                    for number in 0..<25 {
                        let buyer = try await front.logIn("u\(round)-\(number)")
                        let link = try await front.link("phone", buyer)
                        let order = try await front.send(.post, link, nil, buyer)["order"].text
                        if number % 5 == 0 { _ = try await front.send(.post, link + "x", nil, buyer) }
                        if round > 5, number % 3 == 0 { _ = try await front.send(.post, link) }
                        clock.advance(by: .milliseconds(250))
                        if number % 8 == 0 { _ = try await browser.evaluate("refresh().then(() => true)") }
                        if number % 4 == 0, let order {
                            _ = try await front.send(.post, "/api/orders/\(order)/payment", nil, buyer)
                        }
                    }
                }
                try await browser.sees("of 300 left", in: "#of-stock")
                try await browser.photograph("operator")
                try await at(front, port, user: "bob", asked: false) { bob in
                    try await browser.click("#pause")
                    try await browser.sees("Paused", in: "#state")
                    try await bob.sees("Paused", in: "#state")
                    try await browser.click("#resume")
                    try await bob.sees("On sale", in: "#state")
                    try await browser.click("#restock button")
                    try await browser.sees("of 310 left", in: "#of-stock")
                    try await bob.sees("of 310 left", in: "#left")
                }
                #expect(try await browser.console() == [])
            }
        }
    }

    @Test(arguments: [Browser.Screen.phone, .desktop]) func pictures(_ screen: Browser.Screen) async throws {
        let front = try await front(stock: 40)
        for (id, title, more) in [
            ("concert", "Concert, front row", #","opensAt":"2100-01-01T00:00:00Z""#),
            ("tea", "Spring tea, first flush", ""),
        ] {
            let body = #"{"id":"\#(id)","title":"\#(title)","price":4500,"stock":\#(id == "tea" ? 0 : 12)\#(more)}"#
            _ = try await front.admin(.post, "/admin/sales", body)
        }
        for number in 0..<23 {
            let buyer = try await front.logIn("u\(number)")
            let sale = SaleID("phone")!
            let outcome = await front.shop.flashSale.challenge(
                "captcha",
                for: SessionToken(buyer[.cookie]!.dropFirst(8))
            )
            let signed = outcome!.prompt!
            let answer = ChallengeAnswer(id: signed.id, text: try front.book.solve(signed))
            let caller = FlashSale.Caller.session(SessionToken(buyer[.cookie]!.dropFirst(8)))
            guard case .granted(let link) = await front.shop.flashSale.link(to: sale, for: caller, answer: answer)
            else { continue }
            _ = await front.shop.flashSale.purchase(link.token, of: sale, by: caller)
        }
        try await front.whileServing { port, _ in
            try await at(front, port, screen, user: "alice") { browser in
                try await browser.photograph("buying-\(screen)")
                try await answer(front, browser)
                try await browser.click("#buy-button")
                try await browser.sees("Pay within", in: "#deadline")
                try await browser.photograph("paying-\(screen)")
                try await browser.open("/")
                try await browser.sees("alice", in: "#visitor bdi")
                try await browser.photograph("sales-\(screen)")
            }
        }
    }
}

import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct BuyingTests {
    @Test func aUnitIsBoughtAndPaid() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        try await front.whileWorking {
            let link = try await front.send(.post, "/api/sales/tea/link", "{}", alice)
            #expect(link.json.names == ["href", "order", "expiresAt"])
            #expect(link["expiresAt"] == .moment(front.clock.now + .seconds(600)))
            let bought = try await front.send(.post, link["href"].text!, nil, alice)
            #expect(bought.status == 202)
            #expect(bought.json == ["order": link["order"], "status": "queued", "sequence": 1])
            let address = "/api/orders/\(link["order"].text!)"
            #expect(bought.fields[.location] == address)

            let recorded = try await eventually {
                try await front.send(.get, address, nil, alice)["status"] == "awaiting_payment"
            }
            #expect(recorded)
            let order = try await front.send(.get, address, nil, alice)
            #expect(
                order.json == [
                    "order": link["order"], "sale": "tea", "status": "awaiting_payment", "sequence": 1,
                    "payBy": .moment(front.clock.now + .seconds(900)), "reason": nil,
                ]
            )
            let again = try await front.send(.post, link["href"].text!, nil, alice)
            #expect(again.status == 202)
            #expect(again.json == ["order": link["order"], "status": "awaiting_payment", "sequence": 1])

            for _ in 0..<2 {
                let paid = try await front.send(.post, address + "/payment", nil, alice)
                #expect(paid.status == 200 && paid["status"] == "paid")
            }
            #expect(try await front.send(.delete, address, nil, alice).problem == .notPayable)
            let list = try await front.send(.get, "/api/orders", nil, alice)
            #expect(list.json == ["orders": .array([try await front.send(.get, address, nil, alice).json])])
        }
        let report = try await front.admin(.get, "/admin/sales/tea")
        #expect(
            report.json == [
                "stock": 3, "remaining": 2, "pending": 0, "awaiting": 0, "paid": 1, "returning": 0, "expired": 0,
                "cancelled": 0, "rejected": 0, "deadLettered": 0, "epoch": 1, "sequence": 1, "state": "open",
            ]
        )
    }

    @Test func aCancelledUnitIsSoldAgain() async throws {
        let front = try await Storefront.selling(stock: 1)
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        try await front.whileWorking {
            let order = try await front.buyRecorded("tea", alice)
            let link = try await front.link("tea", bob)
            #expect(try await front.send(.post, link, nil, bob).problem == .soldOut)
            for _ in 0..<2 {
                let cancelled = try await front.send(.delete, order, nil, alice)
                #expect(cancelled.status == 200 && cancelled["status"] == "cancelled")
            }
            #expect(try await front.send(.post, order + "/payment", nil, alice).problem == .notPayable)
            let sold = try await eventually {
                front.clock.advance(by: .milliseconds(250))
                return try await front.send(.post, link, nil, bob).status == 202
            }
            #expect(sold)
        }
    }

    @Test func everyRefusalOfThePurchaseIsAProblemOfItsOwn() async throws {
        let front = try await Storefront.selling(stock: 1, more: #","limitPerUser":1"#) { $0.rateLimit = nil }
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        let first = try await front.link("tea", alice)
        let second = try await front.link("tea", alice)
        let bobs = try await front.link("tea", bob)

        func refusal(_ link: String, _ buyer: HTTPFields, names order: Bool = true) async throws -> Problem.Code? {
            let answer = try await front.send(.post, link, nil, buyer)
            #expect(answer.fields[.cacheControl] == "no-store")
            let token = link.split(separator: "/").last!.split(separator: ".").prefix(4).joined(separator: ".")
            #expect(answer["order"] == (order ? .string("/api/orders/\(token)") : nil))
            return answer.problem
        }
        #expect(try await refusal(first, [:]) == .noSession)
        #expect(try await refusal(first, [.cookie: "session=AAAAAAAAAAAAAAAAAAAAAAAA"]) == .noSession)
        #expect(try await refusal(first, bob, names: false) == .badLink)
        #expect(try await refusal(first + "x", alice, names: false) == .badLink)
        #expect(try await refusal("/api/sales/tea/purchase/%", alice, names: false) == .badLink)
        #expect(try await refusal(first.replacing("/tea/", with: "/none/"), alice, names: false) == .noSale)
        #expect(try await refusal(first.replacing("/tea/", with: "/te%2Fa/"), alice, names: false) == .noSale)
        #expect(try await front.send(.post, first, nil, alice).status == 202)
        #expect(try await refusal(second, alice) == .soldOut)
        #expect(try await refusal(bobs, bob) == .soldOut)
        #expect(try await front.admin(.post, "/admin/sales/tea/restock", #"{"add":1}"#).status == 200)
        #expect(try await refusal(second, alice) == .limitReached)
        #expect(try await front.admin(.post, "/admin/sales/tea/pause").status == 200)
        #expect(try await refusal(bobs, bob) == .paused)
        #expect(try await front.admin(.post, "/admin/sales/tea/resume").status == 200)
        front.clock.advance(by: .seconds(600))
        #expect(try await refusal(bobs, bob) == .linkExpired)
        let last = try await front.link("tea", bob)
        #expect(try await front.admin(.post, "/admin/sales/tea/close").status == 200)
        #expect(try await refusal(last, bob) == .closed)
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}", bob).problem == .closed)
    }

    @Test func aLinkIsRefusedBeforeTheSaleOpensAndToStrangers() async throws {
        let front = try await Storefront.selling(more: #","opensAt":"2030-01-01T00:00:00Z""#)
        let alice = try await front.logIn("alice")
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}", alice).problem == .notOpen)
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}").problem == .noSession)
        #expect(try await front.send(.post, "/api/sales/none/link", "{}", alice).problem == .noSale)
        #expect(try await front.send(.post, "/api/sales/tea/link", #"{"challenge":1}"#, alice).problem == .badRequest)
    }

    @Test func theRateLimitCountsLinksAndPurchasesOfAUser() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let other = try await front.logIn("alice")
        let link = try await front.link("tea", alice)
        _ = try await front.send(.post, link, nil, alice)
        for _ in 0..<3 { _ = try await front.link("tea", other) }
        front.clock.advance(by: .milliseconds(200))
        let refused = try await front.send(.post, link, nil, other)
        #expect(refused.problem == .rateLimited)
        #expect(refused.fields[.retryAfter] == "5")
        #expect(refused["order"].text?.hasPrefix("/api/orders/tea.1.") == true)
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}", alice).problem == .rateLimited)
        _ = try await front.link("tea", try await front.logIn("bob"))
        front.clock.advance(by: .milliseconds(4800))
        #expect(try await front.send(.post, link, nil, alice).status == 202)
    }

    @Test func anothersOrderIsAsGoodAsNone() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        try await front.whileWorking {
            let order = try await front.buyRecorded("tea", alice)
            let none = try await front.send(.get, "/api/orders/none", nil, bob)
            #expect(none.problem == .noOrder)
            for (method, path) in [(HTTPRequest.Method.get, order), (.delete, order), (.post, order + "/payment")] {
                let answer = try await front.send(method, path, nil, bob)
                #expect(answer.problem == .noOrder)
                #expect(answer.body == none.body)
                #expect(try await front.send(method, path).problem == .noSession)
            }
            #expect(try await front.send(.get, "/api/orders", nil, bob).json == ["orders": .array([])])
            #expect(try await front.send(.get, "/api/orders").problem == .noSession)
            #expect(try await front.send(.get, order, nil, alice)["status"] == "awaiting_payment")
        }
    }

    @Test func aQueuedOrderCannotBePaidYet() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let order = try await front.send(.post, front.link("tea", alice), nil, alice)["order"].text!
        #expect(try await front.send(.post, "/api/orders/\(order)/payment", nil, alice).problem == .notPayable)
        #expect(try await front.send(.delete, "/api/orders/\(order)", nil, alice).problem == .notPayable)
        #expect(try await front.send(.get, "/api/orders/\(order)", nil, alice)["status"] == "queued")
    }
}

import HTTPTypes
import NIOCore
import SeckillCore
import SeckillTesting
import ServiceLifecycle
import Testing

@testable import SeckillDemo

/// What is answered ahead of the site is answered as the site would.
struct HotSiteTests {
    /// A shop in which every refusal is to be had, and the requests that get them.
    private struct Counter {
        var front: Storefront
        var hot: [String] = []
        var cold: [String] = []

        init() async throws {
            front = try await Storefront.selling(stock: 1, more: #","limitPerUser":1"#) { $0.rateLimit = nil }
            for sale in ["gone", "held", "over"] {
                let json = #"{"id":"\#(sale)","title":"T","price":1,"stock":\#(sale == "gone" ? 0 : 5)}"#
                _ = try await front.admin(.post, "/admin/sales", json)
            }
            let alice = try await front.logIn("alice")
            let bob = try await front.logIn("bob")
            let mine = try await front.link("tea", alice)
            let bobs = try await front.link("tea", bob)
            let gone = try await front.link("gone", alice)
            let held = try await front.link("held", alice)
            let second = try await front.link("held", alice)
            let over = try await front.link("over", alice)
            try await front.whileWorking {
                for link in [mine, held] {
                    let order = try await front.send(.post, link, nil, alice)["order"].text ?? ""
                    let isRecorded = try await eventually {
                        // The worker rests between two batches.
                        front.clock.advance(by: .milliseconds(20))
                        return try await front.send(.get, "/api/orders/\(order)", nil, alice)["status"]
                            == "awaiting_payment"
                    }
                    #expect(isRecorded)
                }
            }
            _ = try await front.admin(.post, "/admin/sales/over/close")
            for path in ["/", "/sales/tea"] { _ = try await front.send(.get, path) }
            let tag = try await front.send(.get, "/sales/tea").fields[.eTag] ?? ""
            let cookie = "Cookie: a=b; \(alice[.cookie]!)\r\n"

            func post(_ path: String, _ more: String) -> String { "POST \(path) HTTP/1.1\r\nHost: shop\r\n\(more)\r\n" }
            func get(_ path: String, _ more: String = "", _ method: String = "GET") -> String {
                "\(method) \(path) HTTP/1.1\r\nHost: shop\r\n\(more)\r\n"
            }
            hot = [
                mine, bobs, gone, held, second, over, mine + "x", "/api/sales/none/purchase/x",
                "/api/sales/tea/purchase/",
            ]
            .map { post($0, cookie + "Content-Length: 0\r\n") }
            hot += [
                "", "Cookie: session=\r\n", "Cookie: session=AAAAAAAAAAAAAAAAAAAAAAAA\r\n",
                "cookie: xsession=1; session\r\n",
            ]
            .map { post(gone, $0) }
            hot += [
                "Origin: http://shop\r\n", "Origin: http://other\r\n", "Sec-Fetch-Site: cross-site\r\n",
                "Sec-Fetch-Site: none\r\n", "Sec-Fetch-Site: same-origin\r\nOrigin: http://shop\r\n",
                "Origin: null\r\n",
            ].map { post(gone, cookie + $0) }
            for method in ["GET", "HEAD"] {
                hot += (["/", "/sales/tea"] + Asset.byAddress.keys.sorted()).map {
                    get($0, "Origin: http://x\r\n", method)
                }
                hot += [tag, "\"x\", \(tag)", "W/\(tag)", "*", "\"x\"", "W/\"x\",\(tag),"].map {
                    get("/sales/tea", "If-None-Match: \($0)\r\n", method)
                }
            }
            cold = [
                get(gone), post(gone + "?", cookie), post("/api/sales/te%61/purchase/x", cookie),
                post(gone + "/", cookie),
                post("/api/sales/\(String(repeating: "a", count: 65))/purchase/x", cookie),
                post(gone, cookie + "Content-Length: 2\r\n") + "{}",
                post(gone, cookie + "Transfer-Encoding: chunked\r\n")
                    + "1\r\na\r\n0\r\n\r\n", post(gone, cookie + cookie), post("/", cookie), get("/sales/none"),
                get("/sales/gone"), get("/sales/tea?x"), get("/sales/te%61"), get("/assets/none"), get("/health"),
                get("/orders"), get("/nope"), get("//"), get(gone, "", "DELETE"),
                "GET / HTTP/1.1\r\nHost:shop\r\n\r\n", "HEAD /nope HTTP/1.1\r\nHost: shop\r\n\r\n",
            ]
        }

        /// What the server says to each request, but for the date, and to something after it.
        func answers(to requests: [String], isHot: Bool) async throws -> [String] {
            try await front.whileServing(isHot: isHot) { port, _ in
                var answers: [String] = []
                for request in requests {
                    let last = "GET /health HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
                    answers.append(try await RawConnection.talk(to: port, request + last).withoutDates)
                }
                return answers
            }
        }
    }

    @Test func theCrowdIsAnsweredAheadAndAsTheSiteWould() async throws {
        var counter = try await Counter()
        let expected = try await counter.answers(to: counter.hot, isHot: false)
        // Whatever still reaches the site gets another answer.
        let health = counter.front.shop.site.resources.filter { $0.match(["", "health"]) != nil }
        counter.front.shop.site = Site(
            resources: health,
            origins: counter.front.shop.site.origins,
            clientHeader: nil,
            clock: counter.front.clock,
            logger: counter.front.shop.logger
        )
        let answers = try await counter.answers(to: counter.hot, isHot: true)
        for (request, (answer, site)) in zip(counter.hot, zip(answers, expected)) {
            #expect(answer == site, "\(request)")
        }
        let codes = Set(expected.map { $0.dropFirst("HTTP/1.1 ".count).prefix(3) })
        #expect(codes == ["200", "202", "304", "401", "403", "404", "409", "410"])
    }

    @Test func everythingElseIsTheSites() async throws {
        let counter = try await Counter()
        let health = "GET /health HTTP/1.1\r\nHost: shop\r\n\r\n"
        let turns = counter.hot.flatMap { [health, $0] }
        let requests =
            counter.cold + [turns.joined(), counter.hot.joined(), (counter.cold + counter.hot + counter.cold).joined()]
        let expected = try await counter.answers(to: requests, isHot: false)
        let answers = try await counter.answers(to: requests, isHot: true)
        for (request, (answer, site)) in zip(requests, zip(answers, expected)) {
            #expect(answer == site, "\(request)")
        }
    }

    /// Though the connection has been quiet for longer than a quiet one may stay open.
    @Test(arguments: [true, false]) func atShutdownAPurchaseInHandIsAnswered(isHot: Bool) async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let front = try Storefront(ledger: faults.wrap(MemoryOrderLedger()), clock: clock)
        _ = try await front.admin(.post, "/admin/sales", #"{"id":"tea","title":"Tea","price":1,"stock":1}"#)
        let alice = try await front.logIn("alice")
        let link = try await front.link("tea", alice)
        #expect(try await front.send(.post, link, nil, alice).status == 202)
        faults.inject(.delay(.seconds(1)), into: "lookUp", probability: 1)
        var limits = ConnectionGuard.Limits()
        limits.grace = .milliseconds(50)
        let heard = try await front.whileServing(limits: limits, isHot: isHot) { port, server in
            let idle = try await RawConnection(to: port)
            let buying = try await RawConnection(to: port)
            let request = "POST \(link) HTTP/1.1\r\nHost: shop\r\nCookie: \(alice[.cookie]!)\r\n\r\n"
            try await buying.send(request + "GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")
            #expect(await eventually { faults.count(of: "lookUp") > 0 })
            await server.triggerGracefulShutdown()
            _ = try await idle.heardAtTheEnd()
            clock.advance(by: .seconds(1))
            return try await buying.heardAtTheEnd()
        }
        let statuses = heard.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["202", "200"])
    }

    @Test(arguments: [true, false]) func aClientThatHasSaidAllIsAnswered(isHot: Bool) async throws {
        let counter = try await Counter()
        try await counter.front.whileServing(isHot: isHot) { port, _ in
            for request in counter.hot.prefix(10) {
                let connection = try await RawConnection(to: port)
                try await connection.send(request)
                try await connection.finish()
                let answer = try await connection.heardAtTheEnd()
                #expect(answer.hasPrefix("HTTP/1.1 ") && (answer.hasSuffix("}") || answer.hasSuffix(">")), "\(request)")
            }
        }
    }
}

extension String {
    fileprivate var withoutDates: String {
        replacing(/Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/, with: "")
    }
}

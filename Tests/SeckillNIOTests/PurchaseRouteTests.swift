import NIOCore
import NIOHTTP1
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillNIO

/// Docs/HotRoutes.md, compiled and run.
struct PurchaseRouteTests {
    private let clock = ManualClock()
    private let phone = SaleID("phone")!

    private func flashSale() async throws -> FlashSale {
        let flashSale = FlashSale(
            stock: MemoryStockStore(clock: clock),
            ledger: MemoryOrderLedger(),
            sessions: MemorySessionStore(clock: clock),
            signer: try LinkSigner(secrets: [Array(repeating: 1, count: 32)]),
            clock: clock
        )
        _ = try await flashSale.create(Sale(id: phone, title: "Phone", price: 1, stock: 1, opensAt: clock.now))
        return flashSale
    }

    private func route(_ flashSale: FlashSale) -> PurchaseRoute {
        let dates = DateTeller { [clock] in clock.now }
        return PurchaseRoute(flashSale, under: "/shop/", cookie: "session") { outcome in
            let (status, text): (HTTPResponseStatus, String) =
                switch outcome {
                case .accepted(let order): (.accepted, order.id.text)
                case .refused(let refusal, _): (.conflict, refusal.reason)
                }
            let fields: HTTPHeaders = ["Content-Length": "\(text.utf8.count)"]
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
            return EncodedResponse(head, body: ByteBuffer(string: text)).bytes(dates.date)
        }
    }

    @Test func aPurchaseIsAnsweredAhead() async throws {
        let flashSale = try await flashSale()
        let session = try #require(await flashSale.logIn(UserID("alice")!).token)
        guard case .granted(let link) = await flashSale.link(to: phone, for: .session(session)) else {
            Issue.record("no link")
            return
        }
        let path = "/shop/phone/purchase/\(link.token)"
        let cookie = "Cookie: a=b; session=\(session.text)\r\n"
        let date = HTTPDate(clock.now).description

        func ask(_ path: String, _ more: String = "") throws -> String {
            let server = try Server(route(flashSale))
            try server.hear(plain("POST", path, more))
            server.run()
            #expect(server.behind.heads.isEmpty)
            return try server.said()
        }
        func refusal(_ code: String) -> String {
            "HTTP/1.1 409 Conflict\r\nContent-Length: \(code.utf8.count)\r\nDate: \(date)\r\n\r\n\(code)"
        }
        #expect(try ask(path) == refusal("no_session"))
        #expect(try ask("/shop/phone/purchase/x", cookie) == refusal("bad_link"))
        #expect(try ask("/shop/none/purchase/x", cookie) == refusal("no_sale"))
        #expect(try ask(path, cookie).hasSuffix("\r\n\r\n\(link.order.text)"))
    }

    @Test(arguments: [
        "/shop/phone/purchase", "/shop/phone/purchase/a/b", "/shop/a%20b/purchase/x", "/shop/phone/purchase/%41",
        "/shop/phone/purchase/x?y", "/shop//purchase/x", "/shops/phone/purchase/x", "/", "/shop/phone/buy/x",
    ])
    func otherPathsGoElsewhere(_ path: String) async throws {
        let server = try Server(route(try await flashSale()))
        try server.hear(plain("POST", path))
        #expect(server.behind.paths == [path])
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func datesAreThoseOfHTTP(seconds: Int64, text: String) {
        #expect(HTTPDate(Timestamp(milliseconds: seconds * 1000 + 999)).description == text)
        #expect(text.utf8.count == HTTPDate.length)
    }
}

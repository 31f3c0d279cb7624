import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct AdminTests {
    private let tea = #"{"id":"tea","title":"Tea","price":100,"stock":3}"#

    @Test func aSaleIsCreatedOnce() async throws {
        let front = try Storefront()
        let created = try await front.admin(.post, "/admin/sales", tea)
        #expect(created.status == 201)
        #expect(created.fields[.location] == "/api/sales/tea")
        #expect(
            created.json == [
                "id": "tea", "title": "Tea", "price": 100, "currency": "USD", "stock": 3, "remaining": 3,
                "state": "open",
                "opensAt": .moment(front.clock.now), "closesAt": nil, "limitPerUser": 1,
                "serverTime": .moment(front.clock.now),
            ]
        )
        front.clock.advance(by: .seconds(1))
        let again = try await front.admin(.post, "/admin/sales", tea)
        #expect(again.status == 200 && again["opensAt"] == created["opensAt"])
        #expect(again.fields[.location] == nil)
        for other in [
            tea.replacing("100", with: "101"), tea.replacing("\"stock\":3", with: "\"stock\":4"),
            tea.replacing("}", with: ",\"paymentWindow\":901}"), tea.replacing("}", with: ",\"limitPerUser\":2}"),
            tea.replacing("}", with: ",\"currency\":\"EUR\"}"), tea.replacing("Tea", with: "Teas"),
            tea.replacing("}", with: ",\"opensAt\":\"2030-01-01T00:00:00Z\"}"),
            tea.replacing("}", with: ",\"closesAt\":\"2040-01-01T00:00:00Z\"}"),
        ] { #expect(try await front.admin(.post, "/admin/sales", other).problem == .saleExists) }
        #expect(try await front.send(.get, "/api/sales/tea")["price"] == 100)
    }

    @Test func timesAreKeptAsTheyWereGiven() async throws {
        let front = try Storefront()
        let sale =
            #"{"id":"a","title":"A","price":0,"stock":0,"opensAt":"2030-01-01T00:00:00Z","closesAt":"2030-01-01T00:00:00.5Z"}"#
        let created = try await front.admin(.post, "/admin/sales", sale)
        #expect(created["opensAt"] == "2030-01-01T00:00:00Z" && created["closesAt"] == "2030-01-01T00:00:00.500Z")
        #expect(created["state"] == "scheduled")
        #expect(try await front.admin(.post, "/admin/sales", sale).status == 200)
        let never = #"{"id":"b","title":"A","price":0,"stock":0,"closesAt":null}"#
        #expect(try await front.admin(.post, "/admin/sales", never)["state"] == "sold_out")
    }

    @Test(arguments: [
        ("id", "1"), ("id", "null"), ("id", #""""#), ("id", #""a b""#), ("id", #""é""#), ("id", #""a/b""#),
        ("title", "[]"), ("title", #""""#), ("title", #""a\u0000""#), ("title", #""\u0085""#),
        ("price", "-1"), ("price", "1.5"), ("price", "1.0"), ("price", "1e3"), ("price", "1000000000001"),
        ("price", #""1""#), ("price", "true"), ("price", "99999999999999999999"),
        ("stock", "-1"), ("stock", "1000000001"), ("stock", "null"),
        ("currency", #""usd""#), ("currency", #""USDT""#), ("currency", "null"), ("currency", "1"),
        ("limitPerUser", "0"), ("limitPerUser", "1001"), ("limitPerUser", "2.5"), ("limitPerUser", "null"),
        ("opensAt", "null"), ("opensAt", "1"), ("opensAt", #""tomorrow""#), ("opensAt", #""2026-02-30T00:00:00Z""#),
        ("closesAt", #""2026-13-01T00:00:00Z""#), ("closesAt", "0"), ("closesAt", #""1999-01-01T00:00:00Z""#),
        ("paymentWindow", "0"), ("paymentWindow", "10000001"), ("paymentWindow", "1.5"), ("paymentWindow", #""900""#),
    ])
    func aBadFieldIsNamed(_ name: String, _ value: String) async throws {
        let front = try Storefront()
        var fields = ["id": #""tea""#, "title": #""Tea""#, "price": "1", "stock": "1"]
        fields[name] = value
        let body = "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
        let answer = try await front.admin(.post, "/admin/sales", body)
        #expect(answer.problem == .badRequest)
        #expect(answer["detail"].text?.contains(name) == true)
        #expect(try await front.send(.get, "/api/sales")["sales"] == .array([]))
    }

    @Test(arguments: ["id", "title", "price", "stock"])
    func aMissingFieldIsNamed(_ name: String) async throws {
        let front = try Storefront()
        let fields = ["id": #""tea""#, "title": #""Tea""#, "price": "1", "stock": "1"].filter { $0.key != name }
        let body = "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
        let answer = try await front.admin(.post, "/admin/sales", body)
        #expect(answer.problem == .badRequest && answer["detail"].text?.hasPrefix(name) == true)
    }

    @Test func boundsThatHoldAreAccepted() async throws {
        let front = try Storefront()
        let id = String(repeating: "a", count: 64)
        let title = String(repeating: "é", count: 100)
        let sale = """
            {"id":"\(id)","title":"\(title)","price":1000000000000,"stock":1000000000,"currency":"XXX","limitPerUser":1000,
             "paymentWindow":10000000,"unknown":{"deep":[1.5]}}
            """
        #expect(try await front.admin(.post, "/admin/sales", sale).status == 201)
        #expect(try await front.admin(.post, "/admin/sales/\(id)/restock", #"{"add":1}"#).problem == .badRequest)
        #expect(try await front.send(.get, "/api/sales/\(id)")["stock"] == 1_000_000_000)
    }

    @Test func theSwitchTurns() async throws {
        let front = try await Storefront.selling()
        #expect(try await front.admin(.post, "/admin/sales/tea/pause")["state"] == "paused")
        #expect(try await front.admin(.post, "/admin/sales/tea/pause")["state"] == "paused")
        #expect(try await front.admin(.post, "/admin/sales/tea/resume")["state"] == "open")
        let restocked = try await front.admin(.post, "/admin/sales/tea/restock", #"{"add":2}"#)
        #expect(restocked["stock"] == 5 && restocked["remaining"] == 5)
        #expect(try await front.admin(.post, "/admin/sales/tea/close")["state"] == "closed")
        #expect(try await front.admin(.post, "/admin/sales/tea/resume")["state"] == "closed")
        for bad in [#"{"add":0}"#, #"{"add":-1}"#, #"{"add":1.0}"#, "{}", "[]", "", "1"] {
            #expect(try await front.admin(.post, "/admin/sales/tea/restock", bad).problem == .badRequest)
        }
        for action in ["pause", "resume", "close"] {
            #expect(try await front.admin(.post, "/admin/sales/none/\(action)").problem == .noSale)
        }
        #expect(try await front.admin(.post, "/admin/sales/none/restock", #"{"add":1}"#).problem == .noSale)
        #expect(try await front.admin(.get, "/admin/sales/none").problem == .noSale)
    }

    /// Repeated after "outcome unknown", it adds once.
    @Test func aRestockWithAKeyAddsOnce() async throws {
        let front = try await Storefront.selling()
        let path = "/admin/sales/tea/restock"
        func restock(_ body: String, key: String? = nil) async throws -> Answer {
            var fields: HTTPFields = [.authorization: "Bearer \(Storefront.token)"]
            if let key { fields[HTTPField.Name("Idempotency-Key")!] = key }
            return try await front.send(.post, path, body, fields)
        }
        for _ in 1...3 { #expect(try await restock(#"{"add":2}"#, key: "monday")["stock"] == 5) }
        for _ in 1...3 { #expect(try await restock(#"{"add":2,"id":"monday"}"#)["stock"] == 5) }
        #expect(try await restock(#"{"add":2,"id":"tuesday"}"#, key: "tuesday")["stock"] == 7)
        #expect(try await restock(#"{"add":2}"#)["stock"] == 9)
        #expect(try await restock(#"{"add":2}"#)["stock"] == 11)
        for (body, key) in [
            (#"{"add":2,"id":""}"#, nil), (#"{"add":2,"id":1}"#, nil),
            (#"{"add":2,"id":"a b"}"#, nil), (#"{"add":2}"#, String(repeating: "k", count: 65)),
        ] as [(String, String?)] {
            #expect(try await restock(body, key: key).problem == .badRequest)
        }
        #expect(try await front.send(.get, "/api/sales/tea")["stock"] == 11)
    }

    @Test(arguments: [
        "", "Bearer", "Bearer ", "Bearer x", "Basic \(Storefront.token)", "Bearer \(Storefront.token)x",
        "Bearer  \(Storefront.token)", Storefront.token,
    ])
    func onlyTheTokenOpens(_ authorization: String) async throws {
        let front = try await Storefront.selling()
        let answer = try await front.send(.get, "/admin/sales/tea", nil, [.authorization: authorization])
        #expect(answer.problem == .unauthorized)
        #expect(answer.fields[.wwwAuthenticate] == #"Bearer realm="admin""#)
        #expect(
            try await front.send(.post, "/admin/sales", "garbage", [.authorization: authorization]).problem
                == .unauthorized
        )
    }

    @Test func theSchemeIsAnyCase() async throws {
        let front = try await Storefront.selling()
        #expect(
            try await front.send(.get, "/admin/sales/tea", nil, [.authorization: "bearer \(Storefront.token)"]).status
                == 200
        )
    }

    @Test func withoutATokenThereIsNoAdmin() async throws {
        let front = try Storefront { $0.adminToken = nil }
        #expect(try await front.admin(.post, "/admin/sales", tea).problem == .notFound)
        #expect(try await front.admin(.get, "/admin/sales/tea").problem == .notFound)
        #expect(try await front.admin(.put, "/admin/sales/tea").problem == .notFound)
    }
}

struct AdminSessionTests {
    @Test func theTokenIsExchangedForACookieOfItsOwn() async throws {
        let front = try await Storefront.selling()
        #expect(try await front.send(.get, "/admin/session").problem == .unauthorized)
        #expect(try await front.send(.post, "/admin/session", #"{"token":"wrong"}"#).problem == .unauthorized)
        #expect(try await front.send(.post, "/admin/session", "{}").problem == .badRequest)
        let answer = try await front.send(.post, "/admin/session", #"{"token":"\#(Storefront.token)"}"#)
        #expect(answer.status == 204)
        let cookie = try #require(answer.fields[.setCookie])
        #expect(cookie.hasSuffix("; Path=/admin; HttpOnly; SameSite=Strict") && !cookie.contains(Storefront.token))
        let fields: HTTPFields = [.cookie: "x=y; " + cookie.prefix { $0 != ";" }]
        #expect(try await front.send(.get, "/admin/session", nil, fields).status == 204)
        #expect(try await front.send(.get, "/admin/sales/tea", nil, fields).status == 200)
        #expect(try await front.send(.post, "/admin/sales/tea/pause", nil, fields)["state"] == "paused")
        var foreign = fields
        foreign[.origin] = "http://evil.test"
        #expect(try await front.send(.post, "/admin/sales/tea/resume", nil, foreign).problem == .crossOrigin)
        let other = try Storefront { $0.adminToken = "another-token" }
        #expect(try await other.send(.get, "/admin/session", nil, fields).problem == .unauthorized)
        for value in ["", "admin", String(cookie.dropFirst(6).prefix(39))] {
            #expect(
                try await front.send(.get, "/admin/session", nil, [.cookie: "admin=\(value)"]).problem == .unauthorized
            )
        }
        let left = try await front.send(.delete, "/admin/session")
        #expect(left.status == 204 && left.fields[.setCookie]?.hasSuffix("Max-Age=0") == true)
    }

    @Test func rejectedOrdersAreListedWithTheirReasons() async throws {
        let ledger = MemoryOrderLedger()
        let front = try await Storefront.selling(ledger: ledger)
        #expect(try await front.admin(.get, "/admin/sales/tea/rejections").json == ["orders": .array([])])
        #expect(try await front.admin(.get, "/admin/sales/none/rejections").problem == .noSale)
        #expect(try await front.send(.get, "/admin/sales/tea/rejections").problem == .unauthorized)
        let order = OrderID("tea.1.AAAAAAAAAAAA.BBBBBBBBBBBB")!
        let reservation = Reservation(order: order, user: UserID("alice")!, sequence: 1, reservedAt: front.clock.now)
        _ = try await ledger.reject(reservation, because: .undeliverable, at: front.clock.now)
        let expected: JSON = ["order": .string(order.text), "user": "alice", "reason": "undeliverable"]
        #expect(try await front.admin(.get, "/admin/sales/tea/rejections").json == ["orders": .array([expected])])
    }
}

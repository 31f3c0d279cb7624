import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// What users and operators may call things, and what they may not.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct InputTests {
    private static func tea(stock: Int) -> [String] {
        ["--rate-limit", "off", "--sale", #"{"id":"tea","title":"Tea","price":1,"stock":\#(stock)}"#]
    }

    @Test(arguments: Mode.queueing)
    func oddNamesAreNames(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.tea(stock: 20)) { chain in
            let clients = try await chain.clients(2)
            let shopkeeper = Operator(client: clients[0])
            let names = [
                "{}", "a{b}c", "}{", "\"quoted\"", "it's", "back\\slash", "$5", "*3", "%s%n", "u:1", "o:2", "-", "🫖",
            ]
            for (number, name) in names.enumerated() {
                let text = String(decoding: JSON.string(name).bytes, as: UTF8.self)
                let sale = #"{"id":"s\#(number)","title":\#(text),"price":1,"stock":1}"#
                #expect(try await shopkeeper.send(.post, "/admin/sales", sale).status == 201)
                let shown = try await eventually {
                    try await clients[1].send(.get, "/api/sales/s\(number)")["title"].text == name
                }
                #expect(shown)
                // Its own limit, whoever else there is.
                let buyer = try await Buyer(String(text.dropFirst().dropLast()), clients[0])
                #expect(try await buyer.on(clients[1]).buy("tea").status == 202)
                #expect(try await buyer.buy("tea").problem == .limitReached)
            }
            let recorded = try await eventually {
                let report = try await shopkeeper.report("tea")
                return report["pending"] == 0 && report.accountsForAll
            }
            #expect(recorded)
            #expect(try await shopkeeper.report("tea")["remaining"] == 20 - names.count)
        }
    }

    @Test(arguments: Mode.queueing)
    func badInputChangesNothing(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.tea(stock: 5)) { chain in
            let clients = try await chain.clients(2)
            let (alice, shopkeeper) = (try await Buyer("alice", clients[0]), Operator(client: clients[1]))
            let path = try await alice.link("tea")
            let before = try await (shopkeeper.send(.get, "/admin/sales/tea").body, chain.sales(shopkeeper))
            for user in [#"a\r\nb"#, #"a\u0000b"#, #"\u007f"#, #"\u0085"#, "", String(repeating: "a", count: 129)] {
                let answer = try await clients[0].send(.post, "/api/session", #"{"user":"\#(user)"}"#)
                #expect(answer.problem == .badRequest, "\(user)")
            }
            for sale in ["a{b}", "{}", "a b", #"a\r\n"#, #"\u0000"#, "", #"a\"b"#, "tea.1", "a/b"] {
                let body = #"{"id":"\#(sale)","title":"T","price":1,"stock":1}"#
                #expect(try await shopkeeper.send(.post, "/admin/sales", body).problem == .badRequest, "\(sale)")
            }
            for fields in [
                #""title":"\r\n""#, #""title":"\u0000""#, #""stock":-1"#, #""stock":1.5"#, #""stock":1e3"#,
                #""stock":99999999999999999999"#, #""price":"1""#, #""limitPerUser":0"#,
                #""opensAt":"2030-01-02T00:00:00Z","closesAt":"2030-01-01T00:00:00Z""#,
            ] {
                let body = #"{"id":"new","title":"T","price":1,"stock":1,\#(fields)}"#
                #expect(try await shopkeeper.send(.post, "/admin/sales", body).problem == .badRequest, "\(fields)")
            }
            for sale in [
                "none", "%00", "tea%00", "tea%2Fx", "%7Btea%7D", "tea%0D%0A", String(repeating: "a", count: 65),
            ] {
                for node in clients {
                    let answer = try await alice.on(node).send(.post, "/api/sales/\(sale)/link", "{}")
                    #expect(answer.status == 404, "\(sale)")
                }
            }
            for node in clients {
                let buyer = alice.on(node)
                #expect(try await node.send(.post, path, nil, [.cookie: "seckill=forged"]).problem == .noSession)
                #expect(try await node.send(.post, path).problem == .noSession)
                #expect(try await buyer.send(.post, path + "A").problem == .badLink)
                #expect(try await buyer.send(.post, "/api/sales/tea/link", "{").problem == .badRequest)
                let large = String(repeating: " ", count: Site.bodyLimit) + "{}"
                #expect(try await buyer.send(.post, "/api/sales/tea/link", large).problem == .tooLarge)
                var fields = buyer.fields
                fields[.contentType] = "text/plain"
                let answer = try await node.send(.post, "/api/sales/tea/link", "{}", fields)
                #expect(answer.problem == .unsupportedMediaType)
            }
            let after = try await (shopkeeper.send(.get, "/admin/sales/tea").body, chain.sales(shopkeeper))
            #expect(before == after)
        }
    }
}

extension Chain {
    fileprivate func sales(_ shopkeeper: Operator) async throws -> [String?] {
        try await shopkeeper.send(.get, "/api/sales")["sales"].elements!.map { $0["id"].text }
    }
}

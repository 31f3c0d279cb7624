import Foundation
import GRDB
import HTTPTypes
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// What only several processes on one Redis can get wrong.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: RedisServer.path != nil, "needs redis-server"))
struct NodesTests {
    private func tea(_ fields: String, _ more: String...) -> [String] {
        ["--rate-limit", "off", "--sale", #"{"id":"tea","title":"Tea","price":1,\#(fields)}"#] + more
    }

    @Test func aSessionALinkAndAnOrderAreGoodOnEveryNode() async throws {
        try await Chain.open(.redis, tea(#""stock":5"#)) { chain in
            let clients = try await chain.clients(2)
            let alice = try await Buyer("alice", clients[0])
            let there = alice.on(clients[1])
            let link = try await alice.link("tea")
            let bought = try await there.send(.post, link)
            #expect(bought.status == 202)
            let again = try await alice.send(.post, link)
            #expect(again.status == 202 && again["order"] == bought["order"])
            let path = "/api/orders/\(bought["order"].text!)"
            let recorded = try await eventually { try await there.send(.get, path)["status"] == "awaiting_payment" }
            #expect(recorded)
            #expect(try await alice.send(.post, path + "/payment").status == 200)
            #expect(try await there.send(.get, path)["status"] == "paid")
            #expect(try await alice.send(.post, there.link("tea")).problem == .limitReached)
            #expect(try await there.send(.delete, "/api/session").status == 204)
            #expect(try await alice.send(.get, path).problem == .noSession)
        }
    }

    /// A worker records what one node accepted, and the other tells who listens there.
    @Test func whatHappensElsewhereIsToldAndShownHere() async throws {
        try await Chain.open(.redis, tea(#""stock":5"#)) { chain in
            let clients = try await chain.clients(2)
            let alice = try await Buyer("alice", clients[0])
            let stream = try await RawConnection(to: chain.ports[1])
            let cookie = try #require(alice.fields[.cookie])
            try await stream.send("GET /api/sales/tea/events HTTP/1.1\r\nHost: shop.test\r\nCookie: \(cookie)\r\n\r\n")
            func hears(_ text: String) async -> Bool { await eventually { stream.heard.contains(text) } }
            #expect(await hears("event: sale"))
            let order = try await alice.buy("tea")["order"].text!
            #expect(await hears(#""order":"\#(order)","sale":"tea","status":"awaiting_payment""#))
            #expect(try await alice.send(.post, "/api/orders/\(order)/payment").status == 200)
            #expect(await hears(#""order":"\#(order)","sale":"tea","status":"paid""#))

            #expect(try await clients[1].send(.get, "/sales/tea").text.contains(">On sale<"))
            let paused = try await Operator(client: clients[0]).send(.post, "/admin/sales/tea/pause")
            #expect(paused.status == 200)
            #expect(await hears(#""state":"paused""#))
            let isShown = try await eventually(within: .seconds(2)) {
                try await clients[1].send(.get, "/sales/tea").text.contains(">Paused<")
            }
            #expect(isShown)
            await stream.close()
        }
    }

    /// Taken in turns: what one node's buyer gives up, the other's wants.
    @Test func whatIsReturnedOnOneNodeIsSoldOnTheOtherWithinTwoSeconds() async throws {
        try await Chain.open(.redis, tea(#""stock":1"#)) { chain in
            let clients = try await chain.clients(2)
            let buyers = try await (0..<2).map { $0 }.concurrently { try await Buyer("buyer \($0)", clients[$0]) }
            var holder = 0
            var order = try await buyers[0].buy("tea")["order"].text!
            var times: [Duration] = []
            for _ in 0..<40 {
                let (giver, taker) = (buyers[holder], buyers[1 - holder])
                let path = "/api/orders/\(order)"
                let recorded = try await eventually { try await giver.send(.get, path)["status"] != "queued" }
                #expect(recorded)
                let link = try await taker.link("tea")
                #expect(try await taker.send(.post, link).problem == .soldOut)
                let start = ContinuousClock.now
                #expect(try await giver.send(.delete, path).status == 200)
                let bought = try await eventually { try await taker.send(.post, link).status == 202 }
                #expect(bought)
                times.append(ContinuousClock.now - start)
                order = try await taker.send(.post, link)["order"].text!
                holder = 1 - holder
            }
            times.sort()
            print("a unit given back on one node is sold on the other: median \(times[20]), at most \(times[39])")
            #expect(times[39] < .seconds(2))
        }
    }

    @Test func theLedgerTakesNoMoreThanItsRateWhileThousandsAreAccepted() async throws {
        let arguments = tea(#""stock":100000,"limitPerUser":1000"#, "--ledger-rate", "500")
        try await Chain.open(.redis, arguments) { chain in
            let clients = try await chain.clients(40)
            let end = ContinuousClock.now + .seconds(4)
            let accepted = try await clients.enumerated().map { $0 }.concurrently { number, client in
                let buyer = try await Buyer("buyer \(number)", client)
                var accepted = 0
                while ContinuousClock.now < end, accepted < 1000 {
                    if try await buyer.buy("tea").status == 202 { accepted += 1 }
                }
                return accepted
            }.reduce(0, +)
            let shopkeeper = Operator(client: clients[0])
            let (report, metrics) = (
                try await shopkeeper.report("tea"), try await clients[1].send(.get, "/metrics").text
            )
            // As every node tells it, whether it records orders or not.
            #expect(report["pending"] > 0 && report.accountsForAll)
            #expect(try sample("seckill_queue_depth", in: metrics) > 0)
            #expect(try sample("seckill_queue_age_seconds", in: metrics) > 0)
            let recorded = try await eventually(within: .seconds(60)) {
                try await shopkeeper.report("tea")["pending"] == 0
            }
            #expect(recorded)
            let times = try await DatabaseQueue(path: chain.folder.path("ledger.sqlite")).read { db in
                try Int.fetchAll(db, sql: "SELECT recorded_at FROM purchase ORDER BY recorded_at")
            }
            #expect(times.count == accepted)
            var (busiest, first) = (0, 0)
            for (last, time) in times.enumerated() {
                while time - times[first] >= 1000 { first += 1 }
                busiest = max(busiest, last - first + 1)
            }
            print("\(accepted) orders accepted in 4 s; at most \(busiest) recorded in any second")
            #expect(busiest <= 550)
        }
    }

    private func sample(_ name: String, in page: String) throws -> Double {
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix(name + " ") })
        return try #require(Double(line.dropFirst(name.count + 1)))
    }

    @Test func withoutRedisItSaysSoAndComesUpWhenRedisDoes() async throws {
        try await RedisServer.with(asleep: true) { redis in
            let folder = TemporaryFolder()
            let (server, port) = try await Program.serve(tea(#""stock":5"#) + ["--redis", redis.url], in: folder)
            let client = try await WebClient.connect(to: port)
            #expect(try await client.send(.get, "/health").status == 200)
            #expect(try await client.send(.get, "/ready").problem == .unavailable)
            #expect(try await client.send(.get, "/metrics").text.contains("seckill_ready 0"))
            #expect(try await client.send(.get, "/api/sales/tea")["state"] == "rebuilding")
            let refused = try await client.send(.post, "/api/session", #"{"user":"alice"}"#)
            #expect(refused.problem == .unavailable && refused.fields[.retryAfter] != nil)
            try await redis.start()
            let start = ContinuousClock.now
            let isReady = try await eventually { try await client.send(.get, "/ready").status == 200 }
            #expect(isReady && ContinuousClock.now - start < .seconds(5))
            #expect(try await Buyer("alice", client).buy("tea").status == 202)
            let end = await server.stop()
            #expect(
                end.status == 0 && end.err.contains("Redis cannot be used: purchases are answered 503 until it can")
            )
        }
    }

    @Test func whatARedisURLSaysIsChecked() async throws {
        let folder = TemporaryFolder()
        for url in ["rediss://user:secret@localhost", "localhost:6379", "redis://host:port"] {
            let end = try await Program.run(["--redis", url, "--ledger", folder.path("l")], in: folder)
            #expect(end.status == 64 && end.err.contains("--redis") && !end.err.contains("secret"))
        }
        let audit = try await Program.run(
            ["audit", "--ledger", folder.path("l"), "--redis", "unix://\(folder.path("none.sock"))"],
            in: folder
        )
        #expect(audit.status == 2 && audit.err.contains("No such file"))
    }

    @Test func oddNamesAreNames() async throws {
        try await Chain.open(.redis, tea(#""stock":20"#)) { chain in
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
            let report = try await shopkeeper.report("tea")
            #expect(report["remaining"] == 20 - names.count && report.accountsForAll)
        }
    }

    @Test func badInputChangesNothing() async throws {
        try await Chain.open(.redis, tea(#""stock":5"#)) { chain in
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

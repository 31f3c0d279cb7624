import Foundation
import HTTPTypes
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// A shop moves from one stock store to another, and no two stores sell one sale.
@Suite(.serialized, .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(3)))
struct MoveTests {
    private let folder = TemporaryFolder()
    private let tea = [
        "--rate-limit", "off", "--sale", #"{"id":"tea","title":"Tea","price":1,"stock":100,"limitPerUser":100}"#,
    ]

    /// Buys `count` units of tea, pays for the first of them, and waits until all are recorded.
    private func shop(_ count: Int, at port: Int) async throws -> [String] {
        let buyer = try await Buyer("alice", WebClient.connect(to: port))
        let isOpen = await eventually { (try? await buyer.send(.post, "/api/sales/tea/link", "{}").status) == 200 }
        #expect(isOpen)
        var orders: [String] = []
        for _ in 1...count { orders.append(try #require(try await buyer.buy("tea")["order"].text)) }
        let isPaid = try await eventually {
            try await buyer.send(.post, "/api/orders/\(orders[0])/payment").status == 200
        }
        #expect(isPaid)
        let shopkeeper = Operator(client: buyer.client)
        let isRecorded = try await eventually { try await shopkeeper.report("tea")["pending"] == 0 }
        #expect(isRecorded)
        return orders
    }

    /// Every order is there, as it was.
    private func expect(_ orders: [[String]], at port: Int) async throws {
        let buyer = try await Buyer("alice", WebClient.connect(to: port))
        for group in orders {
            for (index, order) in group.enumerated() {
                let status: JSON = index == 0 ? "paid" : "awaiting_payment"
                #expect(try await buyer.send(.get, "/api/orders/\(order)")["status"] == status)
            }
        }
        let shopkeeper = Operator(client: buyer.client)
        let isSound = try await eventually {
            let report = try await shopkeeper.report("tea")
            return report.accountsForAll && report["remaining"] == 100 - orders.joined().count
        }
        #expect(isSound)
    }

    private func expectCleanAudit(_ more: [String] = []) async throws {
        let audit = try await Program.run(["audit", "--ledger", folder.path("ledger.sqlite")] + more, in: folder)
        #expect(audit.status == 0, "\(audit.out)\(audit.err)")
    }

    @Test func fromFilesToRedisAndBackInOneRestartEach() async throws {
        try await RedisServer.with { redis in
            let shared = ["--redis", redis.url]
            let (embedded, port) = try await Program.serve(tea, in: folder)
            var orders = [try await shop(5, at: port)]
            #expect(await embedded.stop().status == 0)
            try await expectCleanAudit()

            let (node, nodePort) = try await Program.serve(shared + ["--rate-limit", "off"], in: folder)
            orders.append(try await shop(5, at: nodePort))
            try await expect(orders, at: nodePort)
            #expect(await node.stop().status == 0)
            try await expectCleanAudit(shared)

            // Nodes share their store, so none of them gives its sales up when it stops.
            await #expect { try await Program.serve(in: folder) } throws: {
                let err = ($0 as? Program.NotServing)?.end.err ?? ""
                return err.contains("gives the sale tea to the stock store unix://") && err.contains("--take-over")
            }
            let (back, backPort) = try await Program.serve(["--take-over", "--rate-limit", "off"], in: folder)
            orders.append(try await shop(5, at: backPort))
            try await expect(orders, at: backPort)
            #expect(await back.stop().status == 0)
            try await expectCleanAudit()
        }
    }

    /// A server that was killed holds its sales, and what it has accepted is known to its files alone.
    @Test(arguments: [true, false])
    func whatAKilledServerHoldsIsLeftToIt(isTakenOver: Bool) async throws {
        try await RedisServer.with { redis in
            let shared = ["--redis", redis.url]
            let (embedded, port) = try await Program.serve(tea, in: folder)
            let orders = try await shop(5, at: port)
            embedded.kill()
            _ = await embedded.end()
            await #expect { try await Program.serve(shared, in: folder) } throws: {
                let end = ($0 as? Program.NotServing)?.end
                return end?.status == 1 && end?.err.contains("to the stock store journal:") == true
                    && end?.err.contains("--take-over") == true
            }
            if isTakenOver {
                let (node, nodePort) = try await Program.serve(shared + ["--take-over"], in: folder)
                try await expect([orders], at: nodePort)
                #expect(await node.stop().status == 0)
                try await expectCleanAudit(shared)
                await #expect(throws: Program.NotServing.self) { try await Program.serve(in: folder) }
            } else {
                let (again, newPort) = try await Program.serve(in: folder)
                try await expect([orders], at: newPort)
                #expect(await again.stop().status == 0)
                let (node, nodePort) = try await Program.serve(shared, in: folder)
                try await expect([orders], at: nodePort)
                #expect(await node.stop().status == 0)
                try await expectCleanAudit(shared)
            }
        }
    }

    /// As in a rolling restart that goes wrong: the second is refused, the first goes on.
    @Test func aSecondStoreIsRefusedBesideTheFirst() async throws {
        try await RedisServer.with { redis in
            let (embedded, port) = try await Program.serve(tea, in: folder)
            for arguments in [["--redis", redis.url], ["--redis", redis.url, "--role", "worker"]] {
                await #expect(throws: Program.NotServing.self) { try await Program.serve(arguments, in: folder) }
            }
            let orders = try await shop(3, at: port)
            try await expect([orders], at: port)
            let shopkeeper = try await Operator(client: WebClient.connect(to: port))
            #expect(try await shopkeeper.report("tea")["epoch"] == 1)
            #expect(await embedded.stop().status == 0)

            // Another database of the same server, and another name space, are other stores.
            let (node, nodePort) = try await Program.serve(["--redis", redis.url, "--rate-limit", "off"], in: folder)
            for arguments in [
                ["--redis", redis.url + "?db=1"], ["--redis", redis.url, "--namespace", "other"],
            ] {
                await #expect(throws: Program.NotServing.self) { try await Program.serve(arguments, in: folder) }
            }
            let more = try await shop(3, at: nodePort)
            try await expect([orders, more], at: nodePort)
            #expect(await node.stop().status == 0)
            try await expectCleanAudit(["--redis", redis.url])
        }
    }

    /// Two shops share a Redis, with a sale of the same id.
    @Test func twoShopsOnOneRedisDoNotTouchEachOther() async throws {
        try await RedisServer.with { redis in
            let shared = tea + ["--redis", redis.url]
            let other = TemporaryFolder()
            let (first, firstPort) = try await Program.serve(shared, in: folder)
            let (second, secondPort) = try await Program.serve(shared, in: other)
            let orders = try await shop(10, at: firstPort)
            let others = try await shop(10, at: secondPort)
            try await expect([orders], at: firstPort)
            try await expect([others], at: secondPort)
            for server in [first, second] { #expect(await server.stop().status == 0) }
            try await expectCleanAudit(["--redis", redis.url])
        }
    }
}

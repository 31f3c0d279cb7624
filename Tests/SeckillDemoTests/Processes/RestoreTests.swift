import Foundation
import HTTPTypes
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// Backups of a ledger, and what happens when the ledger goes back to one.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct RestoreTests {
    private let folder = TemporaryFolder()
    private var ledger: String { folder.path("ledger.sqlite") }
    private var copy: String { folder.path("backup.sqlite") }
    private let tea = [
        "--rate-limit", "off", "--sale", #"{"id":"tea","title":"Tea","price":1,"stock":100000,"limitPerUser":1000}"#,
    ]

    private func run(_ arguments: String...) async throws -> Program.End {
        try await Program.run(arguments + ["--ledger", ledger], in: folder)
    }

    /// Buys `count` units and waits until they are recorded; the orders.
    private func buy(_ count: Int, as user: String = "alice", at port: Int) async throws -> [String] {
        let buyer = try await Buyer(user, WebClient.connect(to: port))
        var orders: [String] = []
        for _ in 0..<count { orders.append(try #require(try await buyer.buy("tea")["order"].text)) }
        let isRecorded = try await eventually {
            try await buyer.send(.get, "/api/orders/\(orders[count - 1])")["status"] != "queued"
        }
        #expect(isRecorded)
        return orders
    }

    /// While it sells, as often as wanted.
    @Test func aBackupUnderLoadEndsAndIsWhole() async throws {
        let (server, port) = try await Program.serve(tea, in: folder)
        let before = try await buy(20, at: port)
        let isOver = Locked(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let buyer = try await Buyer("buyer \(number)", WebClient.connect(to: port))
                    while !isOver.withLock(\.self) { _ = try await buyer.buy("tea") }
                }
            }
            for round in 1...3 {
                let backup = try await run("backup", "--to", "\(copy).\(round)")
                #expect(backup.status == 0 && backup.out.contains(copy), "\(backup)")
            }
            // It is not replaced by another.
            let again = try await run("backup", "--to", "\(copy).1")
            #expect(again.status == 1 && again.err.contains("\(copy).1"))
            isOver.withLock { $0 = true }
            try await group.waitForAll()
        }
        #expect(await server.stop().status == 0)
        for round in 1...3 {
            let audit = try await Program.run(["audit", "--ledger", "\(copy).\(round)"], in: folder)
            #expect(audit.status == 0, "\(audit.out)\(audit.err)")
        }
        let restored = try await run("restore", "--from", "\(copy).3")
        #expect(restored.status == 0 && restored.out.contains(".before-restore"), "\(restored)")
        let (next, newPort) = try await Program.serve(in: folder)
        let shopkeeper = try await Operator(client: WebClient.connect(to: newPort))
        let isSound = try await eventually { try await shopkeeper.report("tea").accountsForAll }
        #expect(isSound)
        let alice = try await Buyer("alice", WebClient.connect(to: newPort))
        for order in before {
            #expect(try await alice.send(.get, "/api/orders/\(order)")["status"] == "awaiting_payment")
        }
        #expect(await next.stop().status == 0)
        try await next.expectCleanAudit()
    }

    /// A raw copy is put back by hand: nothing sells until somebody says that the loss is meant.
    @Test(.enabled(if: RedisServer.isExpected))
    func anOlderCopyBesideRedisIsNamedBeforeAndAfterAStart() async throws {
        try await RedisServer.with { redis in
            let shared = ["--redis", redis.url]
            func audit() async throws -> Program.End {
                try await Program.run(["audit", "--ledger", ledger] + shared, in: folder)
            }
            let (server, port) = try await Program.serve(tea + shared, in: folder)
            _ = try await buy(3, at: port)
            #expect(try await run("backup", "--to", copy).status == 0)
            _ = try await buy(2, at: port)
            #expect(await server.stop().status == 0)
            #expect(try await audit().status == 0)
            for name in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: ledger + name) }
            try FileManager.default.copyItem(atPath: copy, toPath: ledger)
            let before = try await audit()
            #expect(before.status == 1 && before.out.contains("VIOLATION ledger_lost_orders in sale tea"), "\(before)")

            let (again, newPort) = try await Program.serve(shared, in: folder)
            let client = try await WebClient.connect(to: newPort)
            let isNamed = try await eventually {
                try await client.send(.get, "/ready")["troubles"].elements?.first?["trouble"] == "ledger_lost_orders"
            }
            #expect(isNamed)
            #expect(await again.stop().status == 0)
            let after = try await audit()
            #expect(after.status == 1 && after.out.contains("VIOLATION ledger_lost_orders in sale tea"), "\(after)")
            #expect(try await run("restore", "--accept-loss").status == 0)
            #expect(try await audit().status == 0)
        }
    }

    @Test(arguments: [true, false])
    func anOlderCopyDoesNotSellUntilTheLossIsAccepted(byHand: Bool) async throws {
        let (server, port) = try await Program.serve(tea, in: folder)
        let kept = try await buy(3, at: port)
        #expect(try await run("backup", "--to", copy).status == 0)
        let lost = try await buy(10, at: port)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        let link = try await alice.link("tea")
        #expect(try await alice.send(.post, "/api/orders/\(lost[0])/payment").status == 200)
        #expect(await server.stop().status == 0)
        if byHand {
            for name in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: ledger + name) }
            try FileManager.default.copyItem(atPath: copy, toPath: ledger)
            try await expectRefusal(alice, link)
            #expect(try await run("restore", "--accept-loss").status == 0)
        } else {
            #expect(try await run("restore", "--from", copy).status == 0)
        }
        #expect(try await run("audit").status == 0)

        let (next, newPort) = try await Program.serve(in: folder)
        let client = try await WebClient.connect(to: newPort)
        let isReady = try await eventually { try await client.send(.get, "/ready").status == 200 }
        #expect(isReady)
        let back = try await Buyer("alice", client)
        // Links of before are void, and what is sold is what the ledger says.
        #expect(try await back.send(.post, link).problem == .linkExpired)
        for order in kept {
            #expect(try await back.send(.get, "/api/orders/\(order)")["status"] == "awaiting_payment")
        }
        #expect(try await back.send(.get, "/api/orders/\(lost[0])")["reason"] == "lost")
        _ = try await buy(1, as: "bob", at: newPort)
        let report = try await Operator(client: client).report("tea")
        #expect(report["remaining"] == 100_000 - 4 && report.accountsForAll)
        #expect(await next.stop().status == 0)
        try await next.expectCleanAudit()
    }

    private func expectRefusal(_ alice: Buyer, _ link: String) async throws {
        let before = try await run("audit")
        #expect(before.status == 1 && before.out.contains("VIOLATION ledger_lost_orders in sale tea"), "\(before)")
        let (server, port) = try await Program.serve(in: folder)
        let client = try await WebClient.connect(to: port)
        let isNamed = try await eventually {
            try await client.send(.get, "/ready")["troubles"].elements?.first?["trouble"] == "ledger_lost_orders"
        }
        #expect(isNamed)
        #expect(try await client.send(.get, "/ready").status == 503)
        #expect(try await alice.on(client).send(.post, link).problem == .unavailable)
        let during = try await run("audit")
        #expect(during.status == 1 && during.out.contains("VIOLATION ledger_lost_orders in sale tea"), "\(during)")
        let end = await server.stop()
        #expect(end.status == 0 && end.err.contains("recorded orders"), "\(end.err)")
        let after = try await run("audit")
        #expect(after.status == 1 && after.out.contains("VIOLATION ledger_lost_orders in sale tea"), "\(after)")
    }

    @Test func whatCannotBeDoneIsSaid() async throws {
        for arguments in [["backup"], ["restore"], ["restore", "--from", "x", "--accept-loss"]] {
            #expect(try await Program.run(arguments, in: folder).status == 64)
        }
        for arguments in [
            ["backup", "--to", copy], ["restore", "--from", folder.path("none")], ["restore", "--accept-loss"],
        ] {
            let end = try await Program.run(arguments + ["--ledger", ledger], in: folder)
            #expect(end.status == 1 && end.err.hasPrefix("Error: ") && end.out.isEmpty, "\(arguments): \(end.err)")
        }
        let (server, _) = try await Program.serve(tea, in: folder)
        #expect(try await run("backup", "--to", copy).status == 0)
        let beside = try await run("restore", "--from", copy)
        #expect(beside.status == 1 && beside.err.hasPrefix("Error: "), "\(beside)")
        #expect(await server.stop().status == 0)
    }
}

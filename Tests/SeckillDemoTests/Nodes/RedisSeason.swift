import Foundation
import GRDB
import HTTPTypes
import Logging
import SeckillCore
import SeckillRedis
import TestServers
import Testing

@testable import SeckillDemo

/// Two web nodes and two workers that share a Redis and a ledger, through faults of every kind.
actor RedisSeason {
    /// What a round of one fault showed.
    struct Round: Sendable {
        var accepted = 0
        var lost = 0
        /// From the end of the blow until every node could sell.
        var recovery = Duration.zero
    }

    enum Role: String { case web, worker }

    /// The shop's namespace, by which the keys that are struck are found.
    private static let namespace = "shop"
    static let stock = "seckill:\(namespace):{plenty}:stock"
    private static let sales = ["plenty", "scarce"]

    nonisolated let redis: RedisServer
    private let connection: RedisConnection
    private let folder = TemporaryFolder()
    private var web: [(program: Program, port: Int)] = []
    private var workers: [(program: Program, port: Int)] = []
    /// Every order that anybody ever posted.
    private var known: Set<String> = []

    init(_ redis: RedisServer) async throws {
        self.redis = redis
        connection = try await RedisConnection.open(
            redis.configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let sales = [
            #"{"id":"plenty","title":"P","price":1,"stock":1000000,"limitPerUser":1000}"#,
            // Sold out at once, and again whenever something comes back.
            #"{"id":"scarce","title":"S","price":1,"stock":40,"limitPerUser":1000,"paymentWindow":1}"#,
        ]
        web = [try await serve(.web, ["--sale", "[\(sales.joined(separator: ","))]"]), try await serve(.web)]
        workers = [try await serve(.worker), try await serve(.worker)]
    }

    private func serve(_ role: Role, _ more: [String] = []) async throws -> (Program, port: Int) {
        // Slowly recorded, so that many orders are on their way when it strikes.
        let arguments = [
            "--redis", redis.url, "--namespace", Self.namespace, "--role", role.rawValue, "--rate-limit", "off",
            "--ledger-rate", "300",
        ]
        return try await Program.serve(arguments + more, in: folder)
    }

    // MARK: Striking

    /// Kills one process and starts another in its place.
    func replace(_ role: Role) async throws {
        let victim = role == .web ? web[0] : workers[0]
        victim.program.kill()
        #expect(await victim.program.end().status == 128 + SIGKILL)
        let successor = try await serve(role)
        if role == .web { web[0] = successor } else { workers[0] = successor }
    }

    /// Stops a worker in the middle of whatever it does, for twice as long as another lets it have its orders.
    func stopWorker(for time: Duration) async throws {
        _ = kill(workers[0].program.pid, SIGSTOP)
        defer { _ = kill(workers[0].program.pid, SIGCONT) }
        try await SystemClock().sleep(for: time)
    }

    func send(_ command: RedisCommand) async throws -> RedisValue {
        _ = await eventually { connection.isReady }
        return try await connection.send(command)
    }

    /// By another connection: CLIENT is refused on one that is shared.
    func pause(milliseconds: Int) async throws {
        let program = try ChildProcess(
            try #require(RedisServer.path).replacing("redis-server", with: "redis-cli"),
            ["-s", redis.socket, "CLIENT", "PAUSE", "\(milliseconds)", "ALL"]
        )
        #expect(await program.end() == 0)
    }

    func outbox() async throws -> String {
        let epoch = try await send(["HGET", Self.stock, "epoch"]).text ?? "1"
        return "seckill:\(Self.namespace):{plenty}:outbox:\(epoch)"
    }

    // MARK: A round

    /// A crowd buys; it strikes; everything heals; and what the crowd was told is so.
    func endure(_ fault: RedisFault, _ number: Int) async throws -> Round {
        let log = ClientLog()
        let load = Task {
            await withDiscardingTaskGroup { group in
                for index in 0..<16 { group.addTask { await self.shop(log, "\(number)-\(index)", seed: index) } }
            }
        }
        let last = Int.random(in: 200...600)
        let isLoaded = await eventually { log.answers >= last }
        #expect(isLoaded)
        try await fault.strike(self)
        let start = ContinuousClock.now
        let isOpen = await eventually(within: .seconds(60)) { await isReady }
        let recovery = ContinuousClock.now - start
        let more = log.answers + 100
        let goesOn = await eventually { log.answers >= more }
        load.cancel()
        await load.value
        #expect(isOpen && goesOn, "\(fault.name)")
        return try await check(log, fault, recovery)
    }

    private func shop(_ log: ClientLog, _ user: String, seed: Int) async {
        while !Task.isCancelled {
            guard let client = try? await WebClient.connect(to: web[seed % 2].port) else {
                try? await SystemClock().sleep(for: .milliseconds(20))
                continue
            }
            if let buyer = try? await log.logIn(user, client) {
                await log.shop(as: buyer, in: Self.sales, seed: seed)
            } else {
                try? await SystemClock().sleep(for: .milliseconds(20))
            }
            await client.close()
        }
    }

    private var isReady: Bool {
        get async {
            for node in web {
                guard let client = try? await WebClient.connect(to: node.port) else { return false }
                let status = try? await client.send(.get, "/ready").status
                await client.close()
                guard status == 200 else { return false }
            }
            return true
        }
    }

    // MARK: Judging

    private func check(_ log: ClientLog, _ fault: RedisFault, _ recovery: Duration) async throws -> Round {
        let client = try await WebClient.connect(to: web[1].port)
        var buyers: [String: Buyer] = [:]
        for user in Set(log.entries.values.map(\.buyer.user)) { buyers[user] = try await Buyer(user, client) }
        // Whoever got no answer posts the same link again.
        for (order, entry) in log.unanswered {
            let isAnswered = try await eventually {
                try await log.post(order, entry.link, as: buyers[entry.buyer.user]!)
                return log.entries[order]?.isOpen == false
            }
            #expect(isAnswered, "\(fault.name)")
        }
        let shopkeeper = Operator(client: client)
        var reports: [Report] = []
        let isQuiet = try await eventually(within: .seconds(60)) {
            reports = [try await shopkeeper.report("plenty"), try await shopkeeper.report("scarce")]
            return reports.allSatisfy { $0["pending"] == 0 && $0.accountsForAll }
        }
        #expect(isQuiet, "\(fault.name): \(reports)")

        let rows = try await DatabaseQueue(path: folder.path("ledger.sqlite")).read { db in
            try Row.fetchAll(db, sql: "SELECT id, status FROM purchase").map {
                ($0["id"] as String, $0["status"] as String)
            }
        }
        let statuses = Dictionary(grouping: rows, by: \.0).mapValues { $0.map(\.1) }
        var round = Round(recovery: recovery)
        for (order, entry) in log.entries where entry.isAccepted {
            round.accepted += 1
            let found = statuses[order] ?? []
            #expect(found.count <= 1, "\(fault.name): \(order) has \(found.count) rows")
            if let settled = entry.settled { #expect(found == [settled], "\(fault.name): \(order)") }
            guard found.isEmpty || found == ["rejected"] else { continue }
            // Then its buyer is told so, and why.
            let answer = try await buyers[entry.buyer.user]!.send(.get, "/api/orders/\(order)")
            #expect(answer["status"] == "rejected", "\(fault.name): \(order) got a 202 and is \(answer.text)")
            #expect(answer["reason"] == "lost", "\(fault.name): \(answer.text)")
            round.lost += 1
        }
        known.formUnion(log.entries.keys)
        let strangers = statuses.keys.filter { !known.contains($0) }
        #expect(strangers.isEmpty, "\(fault.name): \(strangers.count) orders are nobody's")
        await client.close()
        let arguments = [
            "audit", "--ledger", folder.path("ledger.sqlite"), "--redis", redis.url, "--namespace", Self.namespace,
        ]
        let audit = try await Program.run(arguments, in: folder)
        #expect(audit.status == 0, "\(fault.name): \(audit.out)\(audit.err)")
        return round
    }

    /// Closes the shop.
    func end() async {
        for node in web + workers { #expect(await node.program.stop().status == 0) }
        await connection.close()
    }

    /// After a failure.
    func abandon() async {
        for node in web + workers { node.program.kill() }
        await connection.close()
    }
}

import Foundation
import SeckillCore
import SeckillTesting
import TestServers
import Testing

@testable import SeckillRedis

/// The Redis user that Docs/Redis.md describes can do all that is needed, and no less.
@Suite(.ifRedisServer) struct RightsTests {
    /// The line of the document, after `ACL SETUSER shop`.
    private static func rules(namespace: String) throws -> [String] {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Docs/Redis.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let start = try #require(text.firstRange(of: "ACL SETUSER shop "), "no line in Docs/Redis.md")
        let end = try #require(text[start.upperBound...].firstRange(of: "```"), "the line has no end")
        return text[start.upperBound..<end.lowerBound].split { $0.isWhitespace || $0 == "\\" }
            .map { String($0).replacing("NAMESPACE", with: namespace).replacing("PASSWORD", with: "secret") }
    }

    private static func with(
        namespace: String = "test-*",
        without command: String? = nil,
        _ body: (RedisConnection, RedisConfiguration) async throws -> Void
    ) async throws {
        try await RedisServer.with { server in
            let admin = try await RedisConnection.connect(server.configuration, logger: .quiet)
            var rules = try rules(namespace: namespace)
            if let command {
                #expect(rules.contains("+" + command))
                rules = rules.map { $0 == "+" + command ? "-" + command : $0 }
            }
            _ = try await admin.send(RedisCommand(["ACL", "SETUSER", "shop"] + rules))
            var configuration = server.configuration
            configuration.username = "shop"
            configuration.password = "secret"
            // So that SELECT is needed, too.
            configuration.database = 3
            configuration.timeout = .seconds(1)
            try await body(admin, configuration)
            await admin.close()
        }
    }

    /// The conformance suites of all stores, as that user.
    @Test func theRightsOfTheDocumentAreEnough() async throws {
        try await Self.with { _, configuration in
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            let book = AnswerBook()
            let lifetime = Duration.seconds(4)
            try await withThrowingDiscardingTaskGroup { group in
                func run<Suite: ConformanceSuite>(_ suite: Suite, _ checks: [ConformanceCheck<Suite>]) {
                    for check in checks { group.addTask { try await suite.run(check) } }
                }
                run(
                    StockStoreConformance(clock: .system) { RedisStockStore.sample(on: redis) },
                    StockStoreConformance.checks
                )
                run(OutboxConformance(clock: .system) { RedisStockStore.sample(on: redis) }, OutboxConformance.checks)
                let sessions = SessionStoreConformance(clock: .system) {
                    RedisSessionStore(redis, namespace: uniqueNamespace())
                }
                run(sessions, SessionStoreConformance.checks)
                let pages = PageCacheConformance(clock: .system) { RedisPageCache(redis, namespace: uniqueNamespace()) }
                run(pages, PageCacheConformance.checks)
                let challenges = ChallengeConformance(clock: .system, lifetime: lifetime, solve: book.solve) {
                    RedisChallenge(redis, book, lifetime: lifetime, namespace: uniqueNamespace())
                }
                run(challenges, ChallengeConformance.checks)
                let limits = RateLimiterConformance(clock: .system) {
                    RedisRateLimiter(redis, $0, namespace: uniqueNamespace())
                }
                run(limits, RateLimiterConformance.checks)
            }
            await redis.close()
        }
    }

    static let commands =
        (try? rules(namespace: "shop").filter { $0.hasPrefix("+") }.map { String($0.dropFirst()) }) ?? []

    /// In words that name it, and without closing a sale, which would be rebuilt in vain.
    @Test(arguments: commands) func aRightThatIsMissingIsNamed(_ command: String) async throws {
        try await Self.with(namespace: "shop", without: command) { admin, configuration in
            var direct = configuration
            (direct.username, direct.password) = (nil, nil)
            let owner = try await RedisConnection.connect(direct, logger: .quiet)
            let installed = RedisStockStore.sample(on: owner, namespace: "shop")
            try await installed.install(epoch: 1)

            let word = String(command.split(separator: "|").first!).uppercased()
            let log = LogLines()
            if ["subscribe", "ping"].contains(command) {
                let redis = try RedisConnection(configuration, logger: log.logger())
                let store = RedisStockStore.sample(on: redis, namespace: "shop")
                let listening = Task { for await _ in store.restocks() {} }
                try await eventually("it is named") { log.lines.contains { $0.uppercased().contains(word) } }
                listening.cancel()
            } else {
                let error = await #expect(throws: SeckillError.self) {
                    let redis = try await RedisConnection.connect(configuration, logger: log.logger())
                    let store = RedisStockStore.sample(on: redis, namespace: "shop")
                    let order = OrderID("sale.1.AAAAAAAA.BBBBBBBB")!
                    for _ in 1...3 { _ = try? await store.reserve(order, for: UserID("alice")!) }
                    _ = try await store.identity()
                }
                #expect(error?.code == .unavailable)
                #expect("\(try #require(error))".uppercased().contains(word))
            }
            #expect(try await installed.snapshot(of: Shop.sale)?.epoch == 1)
            await owner.close()
        }
    }

    @Test func thereAreRightsToTakeAway() { #expect(Self.commands.count > 30) }

    @Test func refusalsOfRightsAreNoDamage() {
        for message in [
            "NOPERM this user has no permissions to run the 'xadd' command",
            "ERR The user executing the script can't run this command or subcommand script: 88c9, on @user_script:1.",
            "ERR Error running script (call to f_88c9): @user_script:3: @user_script: 3: The user executing the script "
                + "can't run this command or subcommand",
            "NOPERM ACL failure in script: User shop has no permissions to run the 'set' command",
            "ERR unknown command 'FOO'",
            "ERR Unknown Redis command called from script script: 32a7, on @user_script:1.",
            "OOM command not allowed", "MISCONF Errors writing to the AOF file", "BUSY Redis is busy", "CROSSSLOT x",
            "CLUSTERDOWN x", "MOVED 1 127.0.0.1:1", "ASK 1 127.0.0.1:1", "NOREPLICAS x", "READONLY x", "NOAUTH x",
            "ERR max number of clients reached",
        ] {
            #expect(!RedisError(message).isOfDamagedData, "\(message)")
        }
    }
}

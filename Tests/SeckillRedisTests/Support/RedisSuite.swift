import Foundation
import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// The Redis that a suite runs on: the one at `SECKILL_TEST_REDIS`, or a server of the suite's own.
struct RedisSuite: SuiteTrait, TestScoping {
    @TaskLocal fileprivate static var connection: RedisConnection?

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        if let url = RedisSuite.url {
            try await run(on: try RedisConfiguration(url: url), function)
        } else {
            try await RedisServer.with { server in try await run(on: server.configuration, function) }
        }
    }

    private func run(
        on configuration: RedisConfiguration,
        _ function: @Sendable () async throws -> Void
    ) async throws {
        let connection = try await RedisConnection.connect(configuration)
        try await Self.$connection.withValue(connection) { try await function() }
        await connection.close()
    }

    fileprivate static let url = ProcessInfo.processInfo.environment["SECKILL_TEST_REDIS"]
}

extension Trait where Self == RedisSuite {
    static var redis: Self { Self() }
}

extension Trait where Self == ConditionTrait {
    /// For suites that can use any Redis.
    static var ifRedis: Self {
        .enabled(
            if: RedisServer.isExpected || RedisSuite.url != nil,
            "needs redis-server (Debian: apt install redis-server), or a Redis named by SECKILL_TEST_REDIS"
        )
    }

    /// For suites that kill theirs.
    static var ifRedisServer: Self {
        .enabled(if: RedisServer.isExpected, "needs redis-server (Debian: apt install redis-server)")
    }
}

extension RedisConnection {
    /// The one of the suite that is running.
    static var shared: RedisConnection {
        get throws { try #require(RedisSuite.connection) }
    }
}

/// A namespace that no other test uses.
func uniqueNamespace() -> String { "test-\(UUID().uuidString.prefix(8))" }

extension LedgerID {
    static let sample = LedgerID("ledger")!
}

extension RedisStockStore {
    /// A store of the ledger ``LedgerID/sample``, in a namespace that no other test uses unless one is given.
    static func sample(
        on redis: RedisConnection,
        namespace: String = uniqueNamespace(),
        outboxLimit: Int = 1_000_000
    ) -> RedisStockStore {
        RedisStockStore(redis, ledger: .sample, namespace: namespace, outboxLimit: outboxLimit)
    }
}

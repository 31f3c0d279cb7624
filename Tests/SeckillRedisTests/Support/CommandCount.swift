import SeckillCore
import Testing

@testable import SeckillRedis

/// How many times a server has run each command since its statistics were reset.
struct CommandCount: Sendable {
    private var calls: [Substring: Int] = [:]

    /// What `body` had the server run.
    init(on redis: RedisConnection, of body: () async throws -> Void) async throws {
        _ = try await redis.send(["CONFIG", "RESETSTAT"])
        try await body()
        let statistics = try await redis.send(["INFO", "commandstats"]).text ?? ""
        for match in statistics.matches(of: /cmdstat_([a-z|]+):calls=(\d+)/) { calls[match.1] = Int(match.2) }
    }

    subscript(name: String) -> Int { calls[Substring(name)] ?? 0 }

    /// All of them, those within scripts and the connection's own look at its server included.
    var total: Int { calls.values.reduce(0, +) }
}

import Foundation
import SeckillRedis
import TestServers

@testable import SeckillDemo

/// Something that befalls a shop of several processes.
struct RedisFault: Sendable {
    let name: String
    let strike: @Sendable (RedisSeason) async throws -> Void

    init(_ name: String, _ strike: @escaping @Sendable (RedisSeason) async throws -> Void) {
        self.name = name
        self.strike = strike
    }

    static let all = [
        RedisFault("kill -9 of a web node") { try await $0.replace(.web) },
        RedisFault("kill -9 of a worker") { try await $0.replace(.worker) },
        RedisFault("kill -9 of Redis") { season in
            await season.redis.kill()
            try await season.redis.start()
        },
        RedisFault("kill -9 of Redis, its file deleted") { season in
            await season.redis.kill()
            try await season.redis.deleteData()
            try await season.redis.start()
        },
        RedisFault("FLUSHALL") { _ = try await $0.send(["FLUSHALL"]) },
        RedisFault("CLIENT PAUSE 3 s") { try await $0.pause(milliseconds: 3000) },
        RedisFault("a worker stopped for 10 s") { try await $0.stopWorker(for: .seconds(10)) },
        RedisFault("garbage in the outbox") { season in
            let outbox = try await season.outbox()
            for fields in [
                ["nonsense", "1"], ["order", "plenty.1.a", "user", "\r\n"], ["order", "", "sequence", "-1"],
            ] {
                _ = try await season.send(RedisCommand(["XADD", outbox, "*"] + fields))
            }
        },
        RedisFault("the stock replaced by a string") { _ = try await $0.send(["SET", RedisSeason.stock, "nonsense"]) },
        RedisFault("the outbox trimmed") { season in
            _ = try await season.send(["XTRIM", try await season.outbox(), "MAXLEN", "=", "1"])
        },
    ]
}

import BenchmarkSupport
import Foundation
import SeckillRedis

private let count = 200_000

/// The reservation script through one connection, beside redis-benchmark with the same script on the same server.
func compareReservations(_ redis: RedisConnection, beside server: Server, rounds: Int) async throws {
    let source = try String(contentsOfFile: "../Sources/SeckillRedis/Scripts/reserve.lua", encoding: .utf8)
    let digest = try await redis.send(["SCRIPT", "LOAD", source]).text!
    var comparison = Comparison("EVALSHA reserve, AOF everysec, \(count) a round", rounds: rounds)
    for callers in [64, 256] {
        comparison.add("RedisConnection, \(callers) callers") {
            try await fill(redis)
            let result = try await time(callers) { index in
                let answer = try await redis.send([
                    "EVALSHA", digest, "2", "seckill:{sale}:stock", "seckill:{sale}:outbox:1", "me",
                    "sale.1.abcdefghijklmnop\(index)", "user-\(index)", "1", "1000000000",
                ])
                check(answer.array?.first?.text == "reserved", "every call takes a unit")
            }
            let entries = try await redis.send(["XLEN", "seckill:{sale}:outbox:1"])
            check(entries.integer == count, "every unit is in the outbox")
            return result
        }
    }
    let order = "sale.1.abcdefghijklmnop__rand_int__"
    for pipeline in [1, 16] {
        comparison.add("redis-benchmark -c 50 -P \(pipeline)") {
            try await fill(redis)
            return try external(
                [
                    "EVALSHA", digest, "2", "seckill:{sale}:stock", "seckill:{sale}:outbox:1", "me", order,
                    "user-__rand_int__", "1", "1000000000",
                ],
                on: server,
                pipeline: pipeline
            )
        }
    }
    try await comparison.run()
}

/// The cheapest command, for what the connection itself costs.
func compareGets(_ redis: RedisConnection, beside server: Server, rounds: Int) async throws {
    var comparison = Comparison("GET of 3 bytes, \(count) a round", rounds: rounds)
    _ = try await redis.send(["SET", "seckill-key", "abc"])
    for callers in [64, 256] {
        comparison.add("RedisConnection, \(callers) callers") {
            try await time(callers) { _ in
                let answer = try await redis.send(["GET", "seckill-key"])
                check(answer.text == "abc", "every answer is the value")
            }
        }
    }
    for pipeline in [1, 16] {
        comparison.add("redis-benchmark -c 50 -P \(pipeline)") {
            try external(["GET", "seckill-key"], on: server, pipeline: pipeline)
        }
    }
    try await comparison.run()
}

private func fill(_ redis: RedisConnection) async throws {
    _ = try await redis.send(["FLUSHALL"])
    _ = try await redis.send([
        "HSET", "seckill:{sale}:stock", "identity", "me", "epoch", "1", "remaining", "1000000000", "sequence", "0",
        "settled", "0", "version", "1", "limit", "1000", "opens", "0", "closes", "", "admission", "open",
    ])
    _ = try await redis.send(["XGROUP", "CREATE", "seckill:{sale}:outbox:1", "workers", "0", "MKSTREAM"])
}

private func time(
    _ callers: Int,
    _ body: @escaping @Sendable (Int) async throws -> Void
) async throws -> Comparison.Measurement {
    var latencies: [Duration] = []
    var result = try await measure {
        latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for caller in 0..<callers {
                group.addTask {
                    var taken: [Duration] = []
                    for index in (caller * count / callers)..<((caller + 1) * count / callers) {
                        let start = ContinuousClock.now
                        try await body(index)
                        taken.append(start.duration(to: .now))
                    }
                    return taken
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return count
    }
    result.latencies = latencies.sorted()
    return result
}

private func external(_ command: [String], on server: Server, pipeline: Int) throws -> Comparison.Measurement {
    let rate = try server.benchmark(command, requests: count, pipeline: pipeline)
    return Comparison.Measurement(operations: count, wall: .seconds(Double(count) / rate), cpu: .zero)
}

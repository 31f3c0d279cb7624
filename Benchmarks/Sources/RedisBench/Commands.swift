import BenchmarkSupport
import Foundation
import SeckillCore
import SeckillRedis

private let count = 200_000
private let sale = SaleID("sale")!

/// The store's reservations through one connection, beside redis-benchmark with the same script on the same server.
func compareReservations(_ redis: RedisConnection, beside server: Server, rounds: Int) async throws {
    let store = RedisStockStore(redis, ledger: LedgerID("benchmark")!)
    let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    let buyers = (0..<count).map { index in
        let user = UserID("user-\(100_000_000 + index)")!
        return (order: signer.mintOrder(sale: sale, epoch: 1, user: user), user: user)
    }
    let root = (1...4).reduce(URL(filePath: #filePath)) { folder, _ in folder.deletingLastPathComponent() }
    let script = root.appending(path: "Sources/SeckillRedis/Scripts/reserve.lua")
    let source = try String(contentsOf: script, encoding: .utf8)
    let digest = try await redis.send(["SCRIPT", "LOAD", source]).text!
    var spent: [String: [Double]] = [:]
    var comparison = Comparison("Reservations, AOF everysec, \(count) a round", rounds: rounds)
    for callers in [64, 256] {
        let name = "RedisStockStore, \(callers) callers"
        comparison.add(name) {
            try await store.fill(redis)
            let before = try await server.processorTime(redis)
            let result = try await time(callers) { index in
                let outcome = try await store.reserve(buyers[index].order, for: buyers[index].user)
                guard case .reserved = outcome else { return check(false, "every call takes a unit") }
            }
            spent[name, default: []].append((try await server.processorTime(redis) - before) / Double(count) * 1e6)
            check(try await store.snapshot(of: sale)!.pending == count, "every unit is in the outbox")
            return result
        }
    }
    for pipeline in [1, 16] {
        let name = "redis-benchmark -c 50 -P \(pipeline)"
        comparison.add(name) {
            try await store.fill(redis)
            let before = try await server.processorTime(redis)
            // As long as real ones, so that Redis has as much to do.
            let order = "sale.1.__rand_int__wxyz.abcdefghijklmnopqrstuvwx"
            let result = try external(
                [
                    "EVALSHA", digest, "2", "seckill:benchmark:{sale}:stock", "seckill:benchmark:{sale}:outbox:1",
                    try await store.identity().text, order, "u__rand_int__", "1", "1000000",
                ],
                on: server,
                pipeline: pipeline
            )
            spent[name, default: []].append((try await server.processorTime(redis) - before) / Double(count) * 1e6)
            // Some of its random orders come twice.
            check(try await store.snapshot(of: sale)!.pending > count * 9 / 10, "every unit is in the outbox")
            return result
        }
    }
    try await comparison.run()
    print("\nRedis's own CPU a reservation, appending to its file included, medians:\n")
    for (name, samples) in spent.sorted(by: { $0.key < $1.key }) {
        print("- \(name): \(Int(samples.sorted()[samples.count / 2].rounded())) µs")
    }
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

extension RedisStockStore {
    /// An empty server with one sale on it, in epoch 1.
    fileprivate func fill(_ redis: RedisConnection) async throws {
        _ = try await redis.send(["FLUSHALL"])
        try await install(sale, units: 1_000_000_000, limitPerUser: 1000)
    }
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
                    taken.reserveCapacity(count / callers + 1)
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
    let (rate, cpu) = try server.benchmark(command, requests: count, pipeline: pipeline)
    return Comparison.Measurement(operations: count, wall: .seconds(Double(count) / rate), cpu: .seconds(cpu))
}

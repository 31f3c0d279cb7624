import Foundation
import TestServers
import Testing

@testable import SeckillDemo

/// The whole shop of several processes, struck in the middle of a sale.
@Suite(.serialized, .timeLimit(.minutes(60)), .enabled(if: RedisServer.isExpected, "needs redis-server"))
struct RedisFaultTests {
    /// Once each, or as often as `Scripts/redis-faults` is told.
    private static let rounds = Int(ProcessInfo.processInfo.environment["SECKILL_REDIS_ROUNDS"] ?? "") ?? 1

    @Test func whateverHappensEveryAcknowledgedOrderHasOneEnd() async throws {
        try await RedisServer.with { redis in
            let season = try await RedisSeason(redis)
            do {
                var number = 0
                for fault in RedisFault.all {
                    var rounds: [RedisSeason.Round] = []
                    for _ in 1...Self.rounds {
                        number += 1
                        rounds.append(try await season.endure(fault, number))
                    }
                    Self.say(fault, rounds)
                }
            } catch {
                await season.abandon()
                throw error
            }
            await season.end()
        }
    }

    private static func say(_ fault: RedisFault, _ rounds: [RedisSeason.Round]) {
        let times = rounds.map(\.recovery).sorted()
        let (accepted, lost) = rounds.reduce((0, 0)) { ($0.0 + $1.accepted, $0.1 + $1.lost) }
        print(
            "| \(fault.name) | \(rounds.count) | \(accepted) | \(lost) |",
            "\(times[times.count / 2].inTenths) s, at most \(times[times.count - 1].inTenths) s |"
        )
    }
}

extension Duration {
    fileprivate var inTenths: Double { (self / .milliseconds(100)).rounded() / 10 }
}

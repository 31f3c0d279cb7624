import Foundation
import Testing

/// The real server, killed again and again on the same files while a crowd buys, pays and cancels.
@Suite(.timeLimit(.minutes(60)))
struct KillTests {
    /// A dozen, or as many as `Scripts/kill-rounds` is told.
    private static let rounds = Int(ProcessInfo.processInfo.environment["SECKILL_KILL_ROUNDS"] ?? "") ?? 12

    @Test func whatWasAcknowledgedIsThereAfterEveryKill() async throws {
        var season = try await KillSeason()
        for round in 1...Self.rounds {
            try await season.loadAndKill(round)
            if round.isMultiple(of: 4) { try await season.killWhileStarting() }
            try await season.startAndCheck(slow: round.isMultiple(of: 2))
        }
        try await season.end()
    }
}

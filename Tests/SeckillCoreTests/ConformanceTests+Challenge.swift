import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryChallenge") struct MemoryChallengeConformance {
    let suite = ChallengeConformance(lifetime: .seconds(120), limit: 100, solve: solve) {
        MemoryChallenge(ArithmeticPuzzle(), lifetime: .seconds(120), clock: $0, random: SeededRandom(1), limit: 100)
    }

    @Test(arguments: ChallengeConformance.checks)
    func conforms(_ check: ChallengeConformance.Check) async throws { try await suite.run(check) }

    /// Does the sum, as a person does.
    @Sendable static func solve(_ prompt: ChallengePrompt) throws -> String {
        let parts = try #require(prompt.fields["question"]).split(separator: " ")
        let (a, b) = (try #require(Int(parts[0])), try #require(Int(parts[2])))
        switch parts[1] {
        case "+": return String(a + b)
        case "−": return String(a - b)
        default: return String(a * b)
        }
    }
}

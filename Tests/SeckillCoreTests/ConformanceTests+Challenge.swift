import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryChallenge of a drawn sum") struct DrawnChallengeConformance {
    let suite: ChallengeConformance

    init() {
        let book = AnswerBook()
        suite = ChallengeConformance(lifetime: .seconds(120), limit: 100, solve: book.solve) {
            MemoryChallenge(book, lifetime: .seconds(120), clock: $0, random: SeededRandom(1), limit: 100)
        }
    }

    @Test(arguments: ChallengeConformance.checks)
    func conforms(_ check: ChallengeConformance.Check) async throws { try await suite.run(check) }
}

@Suite("MemoryChallenge of work") struct WorkChallengeConformance {
    let suite = ChallengeConformance(lifetime: .seconds(120), limit: 100, solve: { try work(on: $0) }) {
        MemoryChallenge(
            try WorkPuzzle(bits: 6),
            lifetime: .seconds(120),
            clock: $0,
            random: SeededRandom(1),
            limit: 100
        )
    }

    @Test(arguments: ChallengeConformance.checks)
    func conforms(_ check: ChallengeConformance.Check) async throws { try await suite.run(check) }
}

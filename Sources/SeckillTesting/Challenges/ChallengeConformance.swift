public import SeckillCore

/// The contract of ``SeckillCore/Challenge`` as code.
public struct ChallengeConformance: ConformanceSuite {
    private let fresh: Fresh<any Challenge>
    private let lifetime: Duration
    private let limit: Int?
    private let solve: @Sendable (ChallengePrompt) async throws -> String

    /// A suite for challenges that go by the clock they are given.
    /// - Parameters:
    ///   - lifetime: how long a question of the challenges that are made can be answered.
    ///   - limit: how many questions they hold open, 100 or more; nil leaves the bound unchecked.
    ///   - solve: answers a question rightly, as a patient client does.
    ///   - make: makes a challenge, a new one each time.
    public init(
        lifetime: Duration,
        limit: Int? = nil,
        solve: @escaping @Sendable (ChallengePrompt) async throws -> String,
        _ make: @escaping @Sendable (ManualClock) async throws -> any Challenge
    ) {
        fresh = Fresh(make)
        self.lifetime = lifetime
        self.limit = limit
        self.solve = solve
    }

    /// A suite for challenges whose clock is elsewhere, such as in a server: checks wait for real.
    /// - Parameters:
    ///   - clock: runs as fast as the challenges' clock.
    ///   - lifetime: how long a question of the challenges that are made can be answered: better a second than an hour.
    ///   - limit: how many questions they hold open, 100 or more; nil leaves the bound unchecked.
    ///   - solve: answers a question rightly, as a patient client does.
    ///   - make: makes a challenge, a new one each time.
    public init(
        clock: any SaleClock,
        lifetime: Duration,
        limit: Int? = nil,
        solve: @escaping @Sendable (ChallengePrompt) async throws -> String,
        _ make: @escaping @Sendable () async throws -> any Challenge
    ) {
        fresh = Fresh(clock: clock, make)
        self.lifetime = lifetime
        self.limit = limit
        self.solve = solve
    }

    /// A fresh challenge, and somebody to answer it.
    private struct Bench: Sendable {
        let challenge: any Challenge
        let time: TestTime
        let suite: ChallengeConformance
        let alice = SessionToken.mint(from: SeededRandom(1))
        let bob = SessionToken.mint(from: SeededRandom(2))

        /// A question to Alice, and its answer.
        func question() async throws -> (id: String, answer: String) {
            let prompt = try await challenge.issue(to: alice)
            return (prompt.id, try await suite.solve(prompt))
        }

        /// One of a crowd.
        func somebody(_ number: Int) -> SessionToken { .mint(from: SeededRandom(UInt64(100 + number))) }

        func verify(_ answer: String, _ id: String) async throws -> Bool {
            try await challenge.verify(answer, to: id, from: alice)
        }
    }

    private static func rule(_ rule: String, _ body: @escaping @Sendable (Bench) async throws -> Void) -> Check {
        Check(rule) { suite in
            let (challenge, time) = try await suite.fresh.make()
            try await body(Bench(challenge: challenge, time: time, suite: suite))
        }
    }

    private static let wrong = "this is no answer"

    /// Every rule of a challenge.
    public static let checks: [Check] = [
        rule("a right answer is right once") { bench in
            let (id, answer) = try await bench.question()
            try expect(try await bench.verify(answer, id), "the right answer is wrong")
            for _ in 1...3 { try expect(!(try await bench.verify(answer, id)), "it is right again") }
        },
        rule("a wrong answer is wrong, and two leave the right one") { bench in
            let (id, answer) = try await bench.question()
            try expect(!(try await bench.verify(wrong, id)), "a wrong answer is right")
            try expect(!(try await bench.verify("", id)), "no answer is right")
            try expect(try await bench.verify(answer, id), "the right answer is wrong after two wrong ones")
        },
        rule("three wrong answers use the question up") { bench in
            let (id, answer) = try await bench.question()
            for _ in 1...3 { try expect(!(try await bench.verify(wrong, id)), "a wrong answer is right") }
            try expect(!(try await bench.verify(answer, id)), "the right answer comes too late and is right")
        },
        rule("a question is its session's") { bench in
            let (id, answer) = try await bench.question()
            let other = try await bench.challenge.verify(answer, to: id, from: bench.bob)
            try expect(!other, "another session's answer is right")
            try expect(try await bench.verify(answer, id), "another session has used it up")
        },
        rule("every question is another, and answers one") { bench in
            let prompts = try await together(50) { try await bench.challenge.issue(to: bench.somebody($0)) }
            try expect(Set(prompts.map(\.id)).count, equals: 50, "different ids")
            try expect(!bench.challenge.kind.isEmpty, "no kind")
            // In the order of the sessions, whichever was quickest.
            for (number, prompt) in prompts.enumerated() {
                let answer = try await bench.suite.solve(prompt)
                let isRight = try await bench.challenge.verify(answer, to: prompt.id, from: bench.somebody(number))
                try expect(isRight, "the right answer is wrong")
            }
        },
        rule("a session has few questions open, its latest among them, and takes none from others") { bench in
            let other = try await bench.challenge.issue(to: bench.bob)
            var open = 0
            var questions: [(id: String, answer: String)] = []
            for _ in 1...100 { questions.append(try await bench.question()) }
            try expect(try await bench.verify(questions[99].answer, questions[99].id), "the latest is not open")
            for (id, answer) in questions.dropLast() where try await bench.verify(answer, id) { open += 1 }
            try expect(open < MemoryChallenge.openAtOnce, "\(open + 1) questions are open")
            let answer = try await bench.suite.solve(other)
            let isRight = try await bench.challenge.verify(answer, to: other.id, from: bench.bob)
            try expect(isRight, "another session's question is gone")
        },
        rule("an unknown question is answered by nothing") { bench in
            let (id, answer) = try await bench.question()
            for strange in [
                "", id + "x", String(id.dropLast()), "*", "{}", "\u{0}", String(repeating: "x", count: 999),
            ] {
                try expect(!(try await bench.verify(answer, strange)), "the question '\(strange)' has an answer")
            }
            try expect(try await bench.verify(answer, id), "the right answer is wrong")
        },
        rule("a question is answered in time or not at all") { bench in
            let lifetime = bench.suite.lifetime
            if let clock = bench.time.manual {
                let (id, answer) = try await bench.question()
                clock.advance(by: lifetime - .milliseconds(1))
                try expect(try await bench.verify(answer, id), "1 ms before its end, the right answer is wrong")
            }
            let (id, answer) = try await bench.question()
            try await bench.time.pass(lifetime)
            try expect(!(try await bench.verify(answer, id)), "the right answer comes too late and is right")
        },
        rule("of many right answers at once one is right") { bench in
            for _ in 1...10 {
                let (id, answer) = try await bench.question()
                let verdicts = try await together(50) { _ in try await bench.verify(answer, id) }
                try expect(verdicts.filter(\.self).count, equals: 1, "right answers")
            }
        },
        rule("many wrong answers at once use the question up") { bench in
            let (id, answer) = try await bench.question()
            let verdicts = try await together(50) { try await bench.verify("\(wrong) \($0)", id) }
            try expect(!verdicts.contains(true), "a wrong answer is right")
            try expect(!(try await bench.verify(answer, id)), "the right answer comes too late and is right")
        },
        rule("a full challenge forgets its oldest question, and refuses nobody") { bench in
            guard let limit = bench.suite.limit else { return }
            let (first, firstAnswer) = try await bench.question()
            let (second, secondAnswer) = try await bench.question()
            for number in 2..<limit { _ = try await bench.challenge.issue(to: bench.somebody(number)) }
            let (last, lastAnswer) = try await bench.question()
            try expect(!(try await bench.verify(firstAnswer, first)), "the oldest question is still open")
            try expect(try await bench.verify(secondAnswer, second), "another question is forgotten")
            try expect(try await bench.verify(lastAnswer, last), "the latest question is not open")
        },
    ]
}

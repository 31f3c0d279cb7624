/// A challenge whose open questions are kept in this process.
public final class MemoryChallenge: Challenge {
    private struct Question: Sendable {
        var session: SessionToken
        var solution: String
        var triesLeft: Int
        var until: Duration
    }

    private struct State: Sendable {
        var questions: Generations<String, Question>
        /// The ids of a session's questions, the oldest first.
        var ofSession: Generations<SessionToken, [String]>
    }

    private let puzzle: any Puzzle
    private let lifetime: Duration
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let state: Locked<State>

    /// Questions of `puzzle`, each good for `lifetime`; at most `limit` are open at once.
    public init(
        _ puzzle: any Puzzle,
        lifetime: Duration = .seconds(120),
        clock: any SaleClock = .system,
        random: any RandomSource = .system,
        limit: Int = 1_000_000
    ) {
        self.puzzle = puzzle
        self.lifetime = lifetime
        self.clock = clock
        self.random = random
        self.limit = limit
        state = Locked(
            State(questions: Generations(lifetime: lifetime), ofSession: Generations(lifetime: lifetime))
        )
    }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// Makes a question and remembers its solution.
    public func issue(to session: SessionToken) async throws -> ChallengePrompt {
        let now = clock.uptime
        let made = puzzle.make(from: random)
        let id = Base64URL.encode(random.bytes(12))
        try state.withLock { state throws(SeckillError) in
            var open = (state.ofSession.value(for: session, at: now) ?? []).filter {
                state.questions.value(for: $0, at: now) != nil
            }
            if open.count == Self.openAtOnce { state.questions.set(nil, for: open.removeFirst(), at: now) }
            guard state.questions.count < limit || state.questions.makeRoom(at: now) else {
                throw SeckillError(.overloaded, "\(limit) challenges are open; try again in \(lifetime)")
            }
            state.ofSession.set(open + [id], for: session, at: now)
            let question = Question(
                session: session,
                solution: made.solution,
                triesLeft: Self.tries,
                until: now + lifetime
            )
            state.questions.set(question, for: id, at: now)
        }
        return ChallengePrompt(id: id, fields: made.fields)
    }

    /// Another session's try is no try: it neither passes nor counts.
    public func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        let now = clock.uptime
        return state.withLock { state in
            guard var question = state.questions.value(for: id, at: now), question.session == session,
                now < question.until
            else { return false }
            let isRight = puzzle.accepts(answer, for: question.solution)
            question.triesLeft -= 1
            state.questions.set(isRight || question.triesLeft == 0 ? nil : question, for: id, at: now)
            return isRight
        }
    }
}

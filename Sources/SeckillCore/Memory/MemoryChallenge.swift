/// A challenge whose open questions are kept in this process.
public final class MemoryChallenge: Challenge {
    private struct Question: Sendable {
        var session: SessionToken
        var solution: String
        var triesLeft: Int
        var until: Duration
    }

    private struct State: Sendable {
        /// The oldest first, which are also the first to be over.
        var questions = LinkedTable<String, Question>()
        /// The ids of each session's questions, the oldest first.
        var ofSession = PartitionedDictionary<SessionToken, [String]>()

        mutating func add(_ question: Question, _ id: String) {
            questions[id] = question
            ofSession[question.session, default: []].append(id)
        }

        mutating func remove(_ id: String) {
            guard let session = questions[id]?.session else { return }
            questions[id] = nil
            let rest = (ofSession[session] ?? []).filter { $0 != id }
            ofSession[session] = rest.isEmpty ? nil : rest
        }

        /// Two at most: one question is added at a time.
        mutating func forgetEnded(at now: Duration) {
            for _ in 1...2 {
                guard let (id, question) = questions.first, question.until <= now else { return }
                remove(id)
            }
        }
    }

    private let puzzle: any Puzzle
    private let lifetime: Duration
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let state = Locked(State())

    /// Questions of `puzzle`, each good for `lifetime`; `limit` are open at once, 1 or more: one more takes the place of
    /// the oldest.
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
        self.limit = max(limit, 1)
    }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// Makes a question and remembers its solution.
    public func issue(to session: SessionToken) async throws -> ChallengePrompt {
        let now = clock.uptime
        let made = puzzle.make(from: random)
        let id = Base64URL.encode(random.bytes(12))
        let question = Question(
            session: session,
            solution: made.solution,
            triesLeft: Self.tries,
            until: now + lifetime
        )
        state.withLock { state in
            state.forgetEnded(at: now)
            if let own = state.ofSession[session], own.count >= Self.openAtOnce { state.remove(own[0]) }
            if state.questions.count >= limit, let oldest = state.questions.first { state.remove(oldest.key) }
            state.add(question, id)
        }
        return ChallengePrompt(id: id, fields: made.fields)
    }

    /// Another session's try is no try: it neither passes nor counts.
    public func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        let now = clock.uptime
        return state.withLock { state in
            guard var question = state.questions[id], question.session == session, now < question.until else {
                return false
            }
            let isRight = puzzle.accepts(answer, for: question.solution)
            question.triesLeft -= 1
            if isRight || question.triesLeft == 0 { state.remove(id) } else { state.questions[id] = question }
            return isRight
        }
    }
}

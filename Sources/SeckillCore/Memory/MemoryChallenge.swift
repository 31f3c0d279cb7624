/// A challenge whose open questions are kept in this process.
public final class MemoryChallenge: Challenge {
    private struct Question: Sendable {
        var session: SessionToken
        var solution: String
        var triesLeft: Int
        var until: Duration
    }

    private static let tries = 3
    private let puzzle: any Puzzle
    private let lifetime: Duration
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let questions: Locked<Generations<String, Question>>

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
        questions = Locked(Generations(lifetime: lifetime))
    }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// Makes a question and remembers its solution.
    public func issue(to session: SessionToken) async throws -> ChallengePrompt {
        let now = clock.uptime
        let made = puzzle.make(from: random)
        let id = Base64URL.encode(random.bytes(12))
        try questions.withLock { questions throws(SeckillError) in
            questions.age(to: now)
            guard questions.count < limit else {
                throw SeckillError(.overloaded, "\(limit) challenges are open; try again in \(lifetime)")
            }
            questions[id] = Question(
                session: session,
                solution: made.solution,
                triesLeft: Self.tries,
                until: now + lifetime
            )
        }
        return ChallengePrompt(id: id, fields: made.fields)
    }

    /// Another session's try is no try: it neither passes nor counts.
    public func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        let now = clock.uptime
        return questions.withLock { questions in
            questions.age(to: now)
            guard var question = questions[id], question.session == session, now < question.until else { return false }
            let isRight = puzzle.accepts(answer, for: question.solution)
            question.triesLeft -= 1
            questions[id] = isRight || question.triesLeft == 0 ? nil : question
            return isRight
        }
    }
}

/// How questions are made and answers judged; where they are kept is the challenge's part.
public protocol Puzzle: Sendable {
    /// What clients ask for it by.
    var kind: String { get }
    /// A new question: what the client gets, and what is kept to judge the answer by.
    func make(from random: any RandomSource) -> (fields: [String: String], solution: String)
    /// Whether `answer` solves the question that `solution` was kept for.
    func accepts(_ answer: String, for solution: String) -> Bool
}

/// A small sum in words of digits: `7 + 5`. Field `question`.
public struct ArithmeticPuzzle: Puzzle {
    /// Sums, differences and products of one-digit numbers, never negative.
    public init() {}

    /// `captcha`.
    public var kind: String { "captcha" }

    /// A new sum.
    public func make(from random: any RandomSource) -> (fields: [String: String], solution: String) {
        let bits = random.next()
        let a = Int(bits % 9) + 1
        let b = Int(bits >> 8 % 9) + 1
        let (question, result) =
            switch bits >> 32 % 3 {
            case 0: ("\(a) + \(b)", a + b)
            case 1: ("\(max(a, b)) − \(min(a, b))", abs(a - b))
            default: ("\(a) × \(b)", a * b)
            }
        return (["question": question], String(result))
    }

    /// Digits only, spaces around them ignored.
    public func accepts(_ answer: String, for solution: String) -> Bool {
        answer.drop { $0 == " " }.prefix { $0 != " " } == solution[...] && answer.utf8.count <= 16
    }
}

public import SeckillCore

/// A challenge whose open questions are kept in Redis, so that one node may ask and another be answered.
///
/// Cost: a script to ask; two to answer, for the answer is judged here and counted there. At its memory limit Redis refuses
/// new questions (`overloaded`), provided that it evicts nothing: set `maxmemory-policy noeviction`.
public struct RedisChallenge: Challenge {
    private let redis: RedisConnection
    private let puzzle: any Puzzle
    private let lifetime: Duration
    private let keys: RedisKeys
    private let random: any RandomSource

    /// Questions of `puzzle`, each good for `lifetime`.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(
        _ redis: RedisConnection,
        _ puzzle: any Puzzle,
        lifetime: Duration = .seconds(120),
        namespace: String,
        random: any RandomSource = .system
    ) {
        self.redis = redis
        self.puzzle = puzzle
        self.lifetime = lifetime
        self.random = random
        keys = redis.keys(of: namespace)
    }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// Makes a question and has Redis remember its solution, in the place of the session's oldest if it has too many.
    public func issue(to session: SessionToken) async throws -> ChallengePrompt {
        let made = puzzle.make(from: random)
        let id = Base64URL.encode(random.bytes(12))
        var command = RedisScript.ask.call([key(of: session)])
        command.append(id)
        command.append(Self.tries)
        command.append(made.solution)
        command.append(max(1, lifetime.asLifetime))
        command.append(Self.openAtOnce)
        _ = try await redis.ask(command)
        return ChallengePrompt(id: id, fields: made.fields)
    }

    /// Another session's try is no try: it neither passes nor counts.
    public func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        // What is no id of ours is not looked for.
        guard id.utf8.count == 16, id.utf8.allSatisfy(Base64URL.allows) else { return false }
        let key = key(of: session)
        var read = RedisScript.readQuestion.call([key])
        read.append(id)
        // Another answer that comes in between leaves one try less, so this ends.
        for _ in 1...Self.tries + 1 {
            guard let text = try await redis.ask(read).text, let question = Question(text) else { return false }
            let isRight = puzzle.accepts(answer, for: question.solution)
            var command = RedisScript.settle.call([key])
            command.append(id)
            command.append(text)
            command.append(isRight || question.triesLeft == 1 ? "" : question.afterWrongAnswer.text)
            if try await redis.ask(command) == .integer(1) { return isRight }
        }
        return false
    }

    /// All open questions of a session.
    private func key(of session: SessionToken) -> RedisKey { keys.challenges(kind, of: session.digest) }
}

/// An open question as Redis holds it: `end tries solution`.
private struct Question {
    private var end: String
    var triesLeft: Int
    var solution: String

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2)
        guard parts.count == 3, let triesLeft = Int(parts[1]), (1...RedisChallenge.tries).contains(triesLeft) else {
            return nil
        }
        end = String(parts[0])
        self.triesLeft = triesLeft
        solution = String(parts[2])
    }

    var text: String { "\(end) \(triesLeft) \(solution)" }

    var afterWrongAnswer: Question {
        var question = self
        question.triesLeft -= 1
        return question
    }
}

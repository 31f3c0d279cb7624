public import SeckillCore

/// A challenge whose open questions are kept in Redis, so that one node may ask and another be answered.
///
/// Cost: a command to ask; a command and a script to answer, for the answer is judged here and counted there. At its
/// memory limit Redis refuses new questions (`overloaded`), provided that it evicts nothing: set
/// `maxmemory-policy noeviction`.
public struct RedisChallenge: Challenge {
    private let redis: RedisConnection
    private let puzzle: any Puzzle
    private let lifetime: Duration
    private let keys: RedisKeys
    private let random: any RandomSource

    /// Questions of `puzzle`, each good for `lifetime`, under keys that begin with `keyPrefix`.
    public init(
        _ redis: RedisConnection,
        _ puzzle: any Puzzle,
        lifetime: Duration = .seconds(120),
        keyPrefix: String = "",
        random: any RandomSource = .system
    ) {
        self.redis = redis
        self.puzzle = puzzle
        self.lifetime = lifetime
        self.random = random
        keys = RedisKeys(prefix: keyPrefix)
    }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// Makes a question and has Redis remember its solution.
    public func issue(to session: SessionToken) async throws -> ChallengePrompt {
        let made = puzzle.make(from: random)
        let id = Base64URL.encode(random.bytes(12))
        let question = Question(triesLeft: Self.tries, id: id, solution: made.solution)
        var command = RedisCommand("SET", key(of: id, session))
        command.append(question.text)
        command.append("PX")
        command.append(Int(max(1, lifetime.milliseconds)))
        _ = try await redis.ask(command)
        return ChallengePrompt(id: id, fields: made.fields)
    }

    /// Another session's try is no try: it neither passes nor counts.
    public func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        // What is no id of ours is not looked for.
        guard id.utf8.count == 16, id.utf8.allSatisfy(Base64URL.allows) else { return false }
        let key = key(of: id, session)
        while let text = try await redis.ask(RedisCommand("GET", key)).text {
            guard let question = Question(text), question.id == id else { return false }
            let isRight = puzzle.accepts(answer, for: question.solution)
            var command = RedisScript.settle.call([key])
            command.append(text)
            command.append(isRight || question.triesLeft == 1 ? "" : question.afterWrongAnswer.text)
            // Another answer came in between: this one is judged by what that has left, three times at most.
            if try await redis.ask(command) == .integer(1) { return isRight }
        }
        return false
    }

    /// One of the session's places, which the id's first character tells: a new question takes the place of whatever is
    /// there, so that there is nothing to count.
    private func key(of id: String, _ session: SessionToken) -> RedisKey {
        keys.challenge(kind, "\(session.digest):\(Int(id.utf8.first ?? 0) % Self.openAtOnce)")
    }
}

/// An open question as Redis holds it: `tries id solution`.
private struct Question {
    var triesLeft: Int
    var id: String
    var solution: String

    init(triesLeft: Int, id: String, solution: String) {
        self.triesLeft = triesLeft
        self.id = id
        self.solution = solution
    }

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2)
        guard parts.count == 3, let triesLeft = Int(parts[0]) else { return nil }
        self.init(triesLeft: triesLeft, id: String(parts[1]), solution: String(parts[2]))
    }

    var text: String { "\(triesLeft) \(id) \(solution)" }

    var afterWrongAnswer: Question {
        var question = self
        question.triesLeft -= 1
        return question
    }
}

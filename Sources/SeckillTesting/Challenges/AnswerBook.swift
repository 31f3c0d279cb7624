public import SeckillCore

/// A puzzle that notes its own answers: for tests that must solve what only a person can.
public final class AnswerBook: Puzzle {
    private let puzzle: any Puzzle
    private let notes = Locked<(answers: [[String: String]: String], last: String?)>(([:], nil))

    /// The answers of `puzzle`, as long as its solutions are its answers.
    public init(_ puzzle: any Puzzle = ArithmeticPuzzle()) { self.puzzle = puzzle }

    /// The puzzle's name.
    public var kind: String { puzzle.kind }

    /// The answer to the question that was made last.
    public var last: String? { notes.withLock { $0.last } }

    /// Makes a question and notes its answer.
    public func make(from random: any RandomSource) -> (fields: [String: String], solution: String) {
        let made = puzzle.make(from: random)
        notes.withLock { notes in
            notes.answers[made.fields] = made.solution
            notes.last = made.solution
        }
        return made
    }

    /// As the puzzle says.
    public func accepts(_ answer: String, for solution: String) -> Bool { puzzle.accepts(answer, for: solution) }

    /// The answer to `prompt`.
    @Sendable public func solve(_ prompt: ChallengePrompt) throws -> String {
        guard let answer = notes.withLock({ $0.answers[prompt.fields] }) else {
            throw SeckillError(.invalid, "the question \(prompt.id) is not in the book")
        }
        return answer
    }
}

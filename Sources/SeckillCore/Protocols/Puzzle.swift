/// How questions are made and answers judged; where they are kept meanwhile is a ``Challenge``'s part.
public protocol Puzzle: Sendable {
    /// What clients ask for it by.
    var kind: String { get }
    /// A new question: what the client gets, and what is kept to judge the answer by.
    func make(from random: any RandomSource) -> (fields: [String: String], solution: String)
    /// Whether `answer` solves the question that `solution` was kept for. Its cost is bounded, whatever the answer.
    func accepts(_ answer: String, for solution: String) -> Bool
}

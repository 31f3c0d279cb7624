/// A question that costs a script more than a person, asked before a purchase link is given.
///
/// Bound to the session that asked, answered once: one right answer or three wrong ones use it up, and so does its
/// time. Memory is bounded: where too many questions are open, one more takes the place of the oldest.
/// **Errors**: `unavailable`, `overloaded`.
public protocol Challenge: Sendable {
    /// What clients ask for it by, such as `captcha`.
    var kind: String { get }

    /// A new question for the session. A session has few open, 16 at most: one more takes the place of another, and is
    /// open itself.
    func issue(to session: SessionToken) async throws -> ChallengePrompt

    /// Whether `answer` is right, is the session's to give, in time, and the first right one. Atomic: of two right
    /// answers at once, one is true.
    func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool
}

extension Challenge {
    /// The wrong answers that use a question up.
    package static var tries: Int { 3 }

    /// The questions that a session has open: enough for all its tabs, too few to fill a store.
    package static var openAtOnce: Int { 16 }
}

/// A question, without its answer.
public struct ChallengePrompt: Hashable, Sendable {
    /// Names the question when answering.
    public var id: String
    /// What the client shows or computes with, by name: `svg`, or `prefix` and `bits`.
    public var fields: [String: String]

    /// A question.
    public init(id: String, fields: [String: String]) {
        self.id = id
        self.fields = fields
    }
}

/// How a step ended, as reports name it.
enum Outcome: Hashable, Sendable {
    case done
    /// An answer that says no: the problem's code.
    case refused(String)
    /// No answer, or one that the API does not know.
    case failed(String)

    /// Whether the server decided.
    var isAnswer: Bool {
        if case .failed = self { false } else { true }
    }
}

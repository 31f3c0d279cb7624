/// "Could not decide." What was decided, for or against the caller, is a value and never an error.
public struct SeckillError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure, and so what the caller may conclude.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String { case unavailable, overloaded, outcomeUnknown, invalid, damaged }
        private let kind: Kind

        /// Nothing happened; try again later.
        public static let unavailable = Code(kind: .unavailable)
        /// Nothing happened, because a bound was reached; try again later.
        public static let overloaded = Code(kind: .overloaded)
        /// It may have happened: repeat the same call, or look the result up. Never assume either.
        public static let outcomeUnknown = Code(kind: .outcomeUnknown)
        /// The input can never be accepted; repeating is useless.
        public static let invalid = Code(kind: .invalid)
        /// What is stored of this sale or order was damaged or altered by other hands: nothing happened, and repeating is
        /// useless until it is repaired. Other sales are not concerned.
        public static let damaged = Code(kind: .damaged)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// What kind of failure.
    public var code: Code
    /// What was wrong and what to do, without secrets or users' data.
    public var message: String
    /// What the backend said, where there was one.
    public var underlying: (any Error)?

    /// An error of `code`.
    public init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// Code, message and cause in one line.
    public var description: String {
        underlying.map { "\(code): \(message) (\($0))" } ?? "\(code): \(message)"
    }
}

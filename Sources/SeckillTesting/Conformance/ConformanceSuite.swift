/// The contract of one protocol as code: a list of rules, each with a check that tries to break it.
///
/// A suite is made with the backend to check, and each check gets a fresh one:
///
/// ```swift
/// let suite = SessionStoreConformance { clock in MySessionStore(clock: clock) }
///
/// @Test(arguments: SessionStoreConformance.checks)
/// func conforms(_ check: SessionStoreConformance.Check) async throws {
///     try await suite.run(check)
/// }
/// ```
///
/// Without Swift Testing, ``run()`` runs them all. Checks hold nothing in common, and several may run at once.
public protocol ConformanceSuite: Sendable {
    /// Every rule, in the order of the protocol's comments.
    static var checks: [ConformanceCheck<Self>] { get }
}

extension ConformanceSuite {
    /// One rule of this suite.
    public typealias Check = ConformanceCheck<Self>

    /// Checks one rule on a fresh backend; again on another if it fails while the machine stands still.
    /// - Throws: ``ConformanceFailure`` if the rule is broken.
    public func run(_ check: Check) async throws {
        var attempts = 3
        while true {
            let (result, pause) = await watchingForPauses { try await check.body(self) }
            guard case .failure(let error) = result else { return }
            try Task.checkCancellation()
            attempts -= 1
            guard attempts > 0, pause > .milliseconds(60) else {
                throw ConformanceFailure(broken: [.init(rule: check.rule, detail: "\(error)")])
            }
        }
    }

    /// Checks every rule, whatever became of the ones before.
    /// - Throws: ``ConformanceFailure`` that names all rules that are broken.
    public func run() async throws {
        var broken: [ConformanceFailure.Broken] = []
        for check in Self.checks {
            do {
                try await run(check)
            } catch let failure as ConformanceFailure {
                broken += failure.broken
            }
        }
        guard broken.isEmpty else { throw ConformanceFailure(broken: broken) }
    }
}

/// One rule of a contract, with the code that tries to break it.
public struct ConformanceCheck<Suite: ConformanceSuite>: Sendable, Identifiable, CustomStringConvertible {
    /// What must hold, in words. Unique within the suite.
    public let rule: String
    let body: @Sendable (Suite) async throws -> Void

    init(_ rule: String, body: @escaping @Sendable (Suite) async throws -> Void) {
        self.rule = rule
        self.body = body
    }

    /// The rule.
    public var id: String { rule }

    /// The rule.
    public var description: String { rule }
}

/// A backend does not keep its contract.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// A rule that does not hold.
    public struct Broken: Hashable, Sendable {
        /// What should hold.
        public let rule: String
        /// What was seen instead, and where.
        public let detail: String
    }

    /// The rules that do not hold.
    public let broken: [Broken]

    /// Every broken rule and what was seen, one a line.
    public var description: String {
        broken.map { "broken: \($0.rule): \($0.detail)" }.joined(separator: "\n")
    }
}

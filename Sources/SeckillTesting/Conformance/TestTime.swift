internal import SeckillCore

/// Time as a check moves it: at once where the backend keeps a ``ManualClock``, by waiting where it does not.
struct TestTime: Sendable {
    let clock: any SaleClock

    /// The clock, where time can be told exactly.
    var manual: ManualClock? { clock as? ManualClock }

    func pass(_ duration: Duration) async throws {
        if let manual {
            manual.advance(by: duration)
        } else {
            try await clock.sleep(for: duration)
        }
    }

    /// Runs `operation`, with time passing for as long as it sleeps.
    func run<Result: Sendable>(_ operation: @escaping @Sendable () async throws -> Result) async throws -> Result {
        if let manual { try await manual.skippingSleeps(operation) } else { try await operation() }
    }

    func since(_ start: Duration) -> Duration { clock.uptime - start }
}

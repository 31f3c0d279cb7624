internal import SeckillCore

/// Time as a check moves it: at once where the backend keeps a ``ManualClock``, by waiting where it does not.
///
/// Under real time a check cannot know what the backend's clock shows to the millisecond. It therefore lets pass a
/// little more than needed before it expects a change, and ignores what is unchanged too late.
struct TestTime: Sendable {
    /// Short enough to be waited for, long enough for a few calls on a busy machine.
    static let short: Duration = .milliseconds(300)

    let clock: any SaleClock

    /// The clock, where time can be told exactly.
    var manual: ManualClock? { clock as? ManualClock }

    /// Lets `duration` pass, and a little more where the backend's clock is not exactly this one.
    func pass(_ duration: Duration) async throws {
        if let manual {
            manual.advance(by: duration)
        } else {
            try await clock.sleep(for: duration + .milliseconds(20))
        }
    }

    /// Lets tasks that are about to wait begin to, as far as that can be told.
    func letWait() async throws {
        guard let manual else { return try await clock.sleep(for: .milliseconds(20)) }
        for _ in 0..<1000 where manual.sleeperCount == 0 { await Task.yield() }
    }

    /// Runs `operation`; time passes whenever it sleeps, from one sleep's end to the next.
    func run<Result: Sendable>(_ operation: @escaping @Sendable () async throws -> Result) async throws -> Result {
        if let manual { try await manual.skippingSleeps(operation) } else { try await operation() }
    }

    /// The end of `task`; time creeps meanwhile, so that what happens at once happens early.
    func creep<Result: Sendable>(until task: Task<Result, any Error>) async throws -> Result {
        guard let manual else { return try await task.value }
        let creeping = Task {
            while !Task.isCancelled {
                // Whoever does not sleep has something to do first, and on a slow machine that takes its turns.
                if manual.sleeperCount > 0 { manual.advance(by: .milliseconds(1)) }
                for _ in 0..<10 { await Task.yield() }
            }
        }
        defer { creeping.cancel() }
        return try await task.value
    }

    func since(_ start: Duration) -> Duration { clock.uptime - start }
}

/// How a suite gets a fresh backend and the clock it goes by.
struct Fresh<Backend: Sendable>: Sendable {
    let make: @Sendable () async throws -> (Backend, TestTime)

    /// Each backend with a manual clock of its own.
    init(_ make: @escaping @Sendable (ManualClock) async throws -> Backend) {
        self.make = {
            let clock = ManualClock()
            return (try await make(clock), TestTime(clock: clock))
        }
    }

    /// Backends whose time passes as that of `clock`.
    init(clock: any SaleClock, _ make: @escaping @Sendable () async throws -> Backend) {
        self.make = { (try await make(), TestTime(clock: clock)) }
    }
}

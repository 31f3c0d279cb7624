public import SeckillCore

/// A clock that stands still until it is moved.
///
/// ```swift
/// let clock = ManualClock()
/// let service = Task { try await worker.run() }
/// try await clock.waitForSleepers()   // the worker rests
/// clock.advance(by: .seconds(1))      // and now it does not
/// ```
public final class ManualClock: SaleClock {
    private struct State {
        var uptime: Duration = .zero
        /// What the wall clock shows at uptime zero, since 1970.
        var wall: Duration
        var next = 0
        var sleepers: [Sleeper] = []
        var watchers: [Watcher] = []

        mutating func id() -> Int {
            next += 1
            return next
        }

        /// Takes out those whose moment has come, earliest first, and those equally early as they came.
        mutating func wakeDue() -> [CheckedContinuation<Void, any Error>] {
            let due = sleepers.filter { $0.deadline <= uptime }.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
            sleepers.removeAll { $0.deadline <= uptime }
            return due.map(\.continuation)
        }

        mutating func satisfiedWatchers() -> [CheckedContinuation<Void, any Error>] {
            let satisfied = watchers.filter { $0.count <= sleepers.count }
            watchers.removeAll { $0.count <= sleepers.count }
            return satisfied.map(\.continuation)
        }
    }

    private struct Sleeper {
        var id: Int
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        var id: Int
        var count: Int
        var continuation: CheckedContinuation<Void, any Error>
    }

    private let state: Locked<State>

    /// A clock at uptime zero whose wall clock shows `now`.
    public init(now: Timestamp = Timestamp(milliseconds: 1_800_000_000_000)) {
        state = Locked(State(wall: .milliseconds(now.milliseconds)))
    }

    /// Wall-clock time: moved by ``advance(by:)`` and ``jump(by:)``.
    public var now: Timestamp { state.withLock { Timestamp(milliseconds: ($0.wall + $0.uptime).milliseconds) } }

    /// Time since the clock was made: moved by ``advance(by:)`` only.
    public var uptime: Duration { state.withLock { $0.uptime } }

    /// How many tasks are asleep on this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Lets time pass, and wakes everybody whose moment came within it, in the order of those moments.
    ///
    /// Those woken all see the new time, as after a stall of the machine: advance in steps where that matters.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.uptime += duration
            return state.wakeDue()
        }
        for continuation in due { continuation.resume() }
    }

    /// Lets time pass to the moment at which the first sleeper wakes. Does nothing if nobody sleeps.
    public func advanceToNextSleeper() {
        let due = state.withLock { state in
            if let first = state.sleepers.map(\.deadline).min() { state.uptime = max(state.uptime, first) }
            return state.wakeDue()
        }
        for continuation in due { continuation.resume() }
    }

    /// Sets the wall clock forward or, by a negative duration, back, as an administrator or NTP does: no time passes.
    public func jump(by duration: Duration) { state.withLock { $0.wall += duration } }

    /// Sleeps until the clock has been advanced by `duration`.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration > .zero else { return }
        let id = state.withLock { $0.id() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = state.withLock { state -> [CheckedContinuation<Void, any Error>]? in
                    // Cancelled before this: the handler has run and found nobody. Cancelled after: it will find us.
                    if Task.isCancelled { return nil }
                    let deadline = state.uptime + duration
                    state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return state.satisfiedWatchers()
                }
                guard let ready else { return continuation.resume(throwing: CancellationError()) }
                for watcher in ready { watcher.resume() }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Waits until at least `count` tasks are asleep on this clock. Takes no time, on this clock or any other.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async throws {
        try Task.checkCancellation()
        let id = state.withLock { $0.id() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let error = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.sleepers.count >= count { return .success(()) }
                    state.watchers.append(Watcher(id: id, count: count, continuation: continuation))
                    return nil
                }
                if let error { continuation.resume(with: error) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Runs `operation` and never lets it wait: whenever somebody sleeps, time moves on to the end of the first sleep.
    public func skippingSleeps<Result: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                while !Task.isCancelled {
                    do { try await self.waitForSleepers() } catch { break }
                    self.advanceToNextSleeper()
                    await Task.yield()
                }
                return nil
            }
            defer { group.cancelAll() }
            // The second task ends only when cancelled, so the first result is the operation's.
            guard let first = try await group.next(), let result = first else { throw CancellationError() }
            return result
        }
    }

    private func cancel(_ id: Int) {
        let cancelled = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            if let index = state.sleepers.firstIndex(where: { $0.id == id }) {
                return state.sleepers.remove(at: index).continuation
            }
            if let index = state.watchers.firstIndex(where: { $0.id == id }) {
                return state.watchers.remove(at: index).continuation
            }
            return nil
        }
        cancelled?.resume(throwing: CancellationError())
    }
}

internal import SeckillCore

/// Holds everybody until the last has come, so that the clock runs for all at once.
final class StartingGate: Sendable {
    private struct State: Sendable {
        var missing: Int
        var begun: ContinuousClock.Instant?
        var waiting: [CheckedContinuation<ContinuousClock.Instant, Never>] = []
    }

    private let state: Locked<State>

    init(for count: Int) { state = Locked(State(missing: count)) }

    /// When the clock began to run, for everybody the same.
    func pass() async -> ContinuousClock.Instant {
        await withCheckedContinuation { continuation in
            let (begun, released) = state.withLock { state in
                state.missing -= 1
                state.waiting.append(continuation)
                if state.missing <= 0, state.begun == nil { state.begun = .now }
                guard let begun = state.begun else {
                    return (
                        nil as ContinuousClock.Instant?, [] as [CheckedContinuation<ContinuousClock.Instant, Never>]
                    )
                }
                defer { state.waiting = [] }
                return (begun, state.waiting)
            }
            guard let begun else { return }
            for waiter in released { waiter.resume(returning: begun) }
        }
    }
}

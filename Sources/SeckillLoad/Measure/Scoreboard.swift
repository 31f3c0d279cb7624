internal import Histogram
internal import SeckillCore

/// What all clients saw, as it happens.
final class Scoreboard: Sendable {
    /// One second of purchases.
    struct Second: Sendable {
        var accepted = 0
        var refused = 0
        var failed = 0
        var latency = Histogram<UInt64>(numberOfSignificantValueDigits: .two)
    }

    struct State: Sendable {
        var begun: ContinuousClock.Instant?
        var steps: [Step: StepRecord] = [:]
        var seconds: [Second] = []
        /// Orders that were acknowledged by a 202, or found when the answer had been lost.
        var acknowledged: Set<String> = []
        /// Orders whose purchase was posted, and of which it is not known whether they were taken.
        var unknown: Set<String> = []
        var purchasesEnded = 0
    }

    private let state = Locked(State())

    var snapshot: State { state.withLock(\.self) }

    /// Starts the clock, unless it runs.
    func begin(at instant: ContinuousClock.Instant) { state.withLock { $0.begun = $0.begun ?? instant } }

    func add(_ step: Step, _ outcome: Outcome, from start: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        state.withLock { state in
            let second = Int(max(.zero, now - (state.begun ?? now)).inSeconds)
            state.steps[step, default: StepRecord()].add(outcome, after: now - start)
            guard step == .purchase else { return }
            while state.seconds.count <= second { state.seconds.append(Second()) }
            state.seconds[second].latency.record((now - start).inMicroseconds)
            switch outcome {
            case .done: state.seconds[second].accepted += 1
            case .refused: state.seconds[second].refused += 1
            case .failed: state.seconds[second].failed += 1
            }
        }
    }

    func acknowledge(_ order: String) { state.withLock { _ = $0.acknowledged.insert(order) } }
    func leaveUnknown(_ order: String) { state.withLock { _ = $0.unknown.insert(order) } }
    func endPurchase() { state.withLock { $0.purchasesEnded += 1 } }
}

internal import Histogram

/// What was measured of one step, in microseconds.
struct StepRecord: Sendable {
    private(set) var outcomes: [Outcome: Int] = [:]
    private(set) var latency = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

    mutating func add(_ outcome: Outcome, after duration: Duration) {
        outcomes[outcome, default: 0] += 1
        latency.record(duration.inMicroseconds)
    }

    var count: Int { outcomes.values.reduce(0, +) }
    var done: Int { outcomes[.done] ?? 0 }
    var failed: Int { outcomes.reduce(0) { $0 + ($1.key.isAnswer ? 0 : $1.value) } }

    /// Refusals and failures, the most frequent first.
    var others: [(name: String, count: Int)] {
        outcomes.compactMap { outcome, count in
            switch outcome {
            case .done: nil
            case .refused(let code): (code, count)
            case .failed(let what): (what, count)
            }
        }.sorted { ($0.count, $1.name) > ($1.count, $0.name) }
    }

    /// What clients would have met who do not wait for a slow answer before they ask again.
    ///
    /// A client that waits asks less often while the server is slow, and so leaves out what is worst (coordinated
    /// omission, after Gil Tene): for each answer that took longer than `interval` it adds those that were not asked
    /// for meanwhile.
    func corrected(expecting interval: Duration) -> Histogram<UInt64> {
        var corrected = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        for value in latency.recordedValues() {
            corrected.recordCorrectedValue(
                value.value,
                count: value.count,
                expectedInterval: max(1, interval.inMicroseconds)
            )
        }
        return corrected
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
    var inMicroseconds: UInt64 { UInt64(max(0, inSeconds * 1e6)) }
}

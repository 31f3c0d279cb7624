internal import Foundation
internal import Histogram

/// What a rehearsal saw.
struct Report: Sendable {
    let target: Target
    let plan: Plan
    let state: Scoreboard.State
    /// What was seen before the clock ran.
    let preparation: Scoreboard.State
    let elapsed: Duration
    /// Whether the crowd came to its end.
    let isComplete: Bool
    /// What the proofs of work cost; nil if none were asked for.
    let work: WorkSolver.Record?
    /// Nil if the server could not be asked.
    let exactness: Exactness?

    /// One step, in milliseconds.
    struct Row: Sendable {
        var step: Step
        var record: StepRecord
        var rate: Double
        var percentiles: [Double]
        var longest: Double
        /// The 99th percentile without coordinated omission. Nil for what follows another step in an open loop: how often
        /// it would have been asked for is not known.
        var corrected99: Double?
    }

    static let percentiles = [50.0, 90, 99, 99.9]

    var rows: [Row] {
        Step.allCases.compactMap { step in
            guard let record = state.steps[step] else { return nil }
            let latency = record.latency
            let corrected: Histogram<UInt64>? =
                if plan.isTimedFromDue(step) {
                    // There is nothing left to correct.
                    latency
                } else if plan.arrivals == nil {
                    record.corrected(expecting: plan.think + .microseconds(Int64(latency.median)))
                } else {
                    nil
                }
            return Row(
                step: step,
                record: record,
                rate: Double(record.count) / max(elapsed.inSeconds, 0.001),
                percentiles: Self.percentiles.map { Self.milliseconds(latency.valueAtPercentile($0)) },
                longest: Self.milliseconds(latency.maxRecorded),
                corrected99: corrected.map { Self.milliseconds($0.valueAtPercentile(99)) }
            )
        }
    }

    var headline: String {
        let loop = plan.arrivals.map { "open loop, \(Int($0)) purchases/s" } ?? "closed loop"
        return """
            \(plan.buyers) clients, \(plan.loops) purchases each, \(loop), sale '\(target.sale)' at \
            \(target.host):\(target.port), \(String(format: "%.1f", elapsed.inSeconds)) s\(isComplete ? "" : ", ended early")
            """
    }

    /// Who could not be prepared is missing from the crowd.
    var gaps: [String] {
        Step.allCases.compactMap { step in
            guard let record = preparation.steps[step], !record.others.isEmpty else { return nil }
            return "before the clock ran, \(step.rawValue) not done: \(Self.list(record.others))"
        }
    }

    static func list(_ others: [(name: String, count: Int)]) -> String {
        others.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
    }

    var workText: String? {
        guard let work, work.latency.totalCount > 0 else { return nil }
        let (count, latency) = (Int(work.latency.totalCount), work.latency)
        return String(
            format: "proofs of work: %d solved here, %d hashes each on average, p50 %.0f ms, p99 %.0f ms",
            count,
            work.hashes / count,
            Self.milliseconds(latency.valueAtPercentile(50)),
            Self.milliseconds(latency.valueAtPercentile(99))
        )
    }

    /// The times of a row, as they are shown.
    static func times(_ row: Row) -> [String] {
        (row.percentiles + [row.longest]).map { String(format: "%.1f", $0) }
            + [row.corrected99.map { String(format: "%.1f", $0) } ?? "-"]
    }

    private static func milliseconds(_ microseconds: UInt64) -> Double { Double(microseconds) / 1000 }
}

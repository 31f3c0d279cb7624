internal import CoreMetrics
internal import Synchronization

/// Counts up.
final class CounterMetric: CounterHandler, PrometheusMetric {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func write(_ name: String, _ labels: PrometheusLabels, to page: inout PrometheusPage) {
        page.sample(name, labels, String(value.load(ordering: .relaxed)))
    }
}

/// Shows the last value recorded.
final class GaugeMetric: RecorderHandler, PrometheusMetric {
    private let bits = Atomic<UInt64>(0)

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func write(_ name: String, _ labels: PrometheusLabels, to page: inout PrometheusPage) {
        page.sample(name, labels, "\(Double(bitPattern: bits.load(ordering: .relaxed)))")
    }
}

/// Sorts values into fixed buckets. Timers are given in nanoseconds and shown in seconds.
final class HistogramMetric: TimerHandler, RecorderHandler, PrometheusMetric {
    /// 100 µs to 10 s.
    static let latencies = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]
    static let decades = [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

    private final class Bucket: Sendable {
        let count = Atomic<Int64>(0)
    }

    private let bounds: [Double]
    private let buckets: [Bucket]
    private let sum = Atomic<UInt64>(0)

    init(bounds: [Double]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Bucket() }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        buckets[index].count.add(1, ordering: .relaxed)
        var old = sum.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + value).bitPattern
            let (exchanged, original) = sum.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }

    func write(_ name: String, _ labels: PrometheusLabels, to page: inout PrometheusPage) {
        var count: Int64 = 0
        for (index, bucket) in buckets.enumerated() {
            count += bucket.count.load(ordering: .relaxed)
            let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
            page.sample("\(name)_bucket", labels.adding("le", bound), String(count))
        }
        page.sample("\(name)_sum", labels, "\(Double(bitPattern: sum.load(ordering: .relaxed)))")
        page.sample("\(name)_count", labels, String(count))
    }
}

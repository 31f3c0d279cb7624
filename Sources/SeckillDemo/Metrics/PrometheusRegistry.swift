internal import CoreMetrics
internal import SeckillCore

/// The metrics of this process, for a scraper: a swift-metrics backend that writes Prometheus's text format 0.0.4.
///
/// The lock is taken when a metric is made or the page is written; counting touches only the metric's own atomics.
final class PrometheusRegistry: MetricsFactory {
    private let families = Locked<[String: MetricFamily]>([:])

    /// One process has one set of metrics.
    static let shared = PrometheusRegistry()

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        metric(label, dimensions, "counter") { CounterMetric() }
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? metric(label, dimensions, "histogram") { HistogramMetric(bounds: HistogramMetric.decades) }
            : metric(label, dimensions, "gauge") { GaugeMetric() }
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        metric(label, dimensions, "histogram") { HistogramMetric(bounds: HistogramMetric.latencies) }
    }

    // Metrics are made once and live as long as the process.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    /// Every metric as it stands.
    var page: PrometheusPage {
        var page = PrometheusPage()
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            page.begin(name, type: family.type)
            for (labels, metric) in family.metrics.sorted(by: { $0.key.text < $1.key.text }) {
                metric.write(name, labels, to: &page)
            }
        }
        return page
    }

    /// The metric of this name and these labels; made if there is none.
    private func metric<Metric: PrometheusMetric>(
        _ label: String,
        _ dimensions: [(String, String)],
        _ type: String,
        _ make: () -> Metric
    ) -> Metric {
        let labels = PrometheusLabels(dimensions)
        return families.withLock { families in
            let name = PrometheusPage.name(label)
            var family = families[name] ?? MetricFamily(type: type)
            if let metric = family.metrics[labels] as? Metric { return metric }
            let metric = make()
            // A name has one type: what comes second under another is counted but not shown.
            guard family.type == type else { return metric }
            family.metrics[labels] = metric
            families[name] = family
            return metric
        }
    }
}

/// All metrics of one name.
private struct MetricFamily: Sendable {
    let type: String
    var metrics: [PrometheusLabels: any PrometheusMetric] = [:]
}

/// A metric that can write its samples.
protocol PrometheusMetric: AnyObject, Sendable {
    func write(_ name: String, _ labels: PrometheusLabels, to page: inout PrometheusPage)
}

internal import Foundation

/// Two servers under the same crowd.
struct Comparison {
    private let reports: [(name: String, Report)]

    init(_ reports: [(name: String, Report)]) { self.reports = reports }

    /// A row a server: purchases a second, all of them and the accepted ones alone, and how many times the first's.
    var text: String {
        var lines = ["server    purchases/s    times   accepted   p50 ms    p99 ms   failed"]
        let rates = reports.compactMap { report in report.1.rows.first { $0.step == .purchase } }
        for ((name, _), row) in zip(reports, rates) {
            lines.append(
                name.padding(toLength: 8, withPad: " ", startingAt: 0)
                    + String(
                        format: "%13.0f %8.1f %10d %8.1f %9.1f %8d",
                        row.rate,
                        row.rate / max(rates[0].rate, 0.001),
                        row.record.done,
                        row.percentiles[0],
                        row.percentiles[2],
                        row.record.failed
                    )
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

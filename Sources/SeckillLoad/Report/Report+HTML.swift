internal import ArgumentParser
internal import Foundation
internal import Histogram

extension Report {
    /// One file that needs no other.
    /// - Throws: `ValidationError` if it cannot be written.
    func writeHTML(to path: String) throws {
        do {
            try html.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw ValidationError("the report cannot be written to \(path): \(error.localizedDescription)")
        }
    }

    var html: String {
        """
        <!doctype html>
        <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Rehearsal of \(Self.escape(target.sale))</title>
        <style>
        :root { color-scheme: light dark; --done: #2a9d5c; --refused: #d99a2b; --failed: #d1495b; --line: #8884; }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        table { border-collapse: collapse; width: 100%; } td, th { text-align: right; padding: .2rem .5rem; }
        td:first-child, th:first-child { text-align: left; } tr { border-bottom: 1px solid var(--line); }
        .verdict { font-size: 1.2rem; font-weight: 600; } .table { overflow-x: auto; }
        svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; }
        </style>
        <h1>Rehearsal</h1>
        <p>\(Self.escape(headline))</p>
        <p class="verdict">\(Self.escape(exactness?.text ?? "the server's own counts could not be had"))</p>
        <h2>Purchases a second</h2>
        \(ratesChart)
        <h2>Latency of purchases, by second</h2>
        \(latencyChart)
        <h2>Steps</h2>
        <div class="table"><table>
        <tr><th>step<th>requests<th>done<th>refused<th>failed<th>/s<th>p50<th>p90<th>p99<th>p99.9<th>max<th>p99*
        \(rows.map(Self.row).joined(separator: "\n"))
        </table></div>
        <p>Times in milliseconds. p99*: had the clients not waited for slow answers before they asked again.</p>
        \(gaps.map { "<p>\(Self.escape($0))</p>" }.joined())
        \(workText.map { "<p>\(Self.escape($0))</p>" } ?? "")
        <h2>Why not</h2>
        <div class="table"><table><tr><th>answer<th>step<th>count
        \(rows.flatMap { row in row.record.others.map { "<tr><td>\(Self.escape($0.name))<td>\(row.step.rawValue)<td>\($0.count)" } }
            .joined(separator: "\n"))
        </table></div>
        </html>
        """
    }

    private static func row(_ row: Row) -> String {
        let record = row.record
        let counts = [
            record.count, record.done, record.count - record.done - record.failed, record.failed, Int(row.rate),
        ]
        return "<tr><td>\(row.step.rawValue)" + (counts.map(String.init) + times(row)).map { "<td>\($0)" }.joined()
    }

    private var ratesChart: String {
        Chart(
            [
                .init(name: "accepted", color: "--done", values: state.seconds.map { Double($0.accepted) }),
                .init(name: "refused", color: "--refused", values: state.seconds.map { Double($0.refused) }),
                .init(name: "failed", color: "--failed", values: state.seconds.map { Double($0.failed) }),
            ],
            unit: "/s"
        ).svg
    }

    private var latencyChart: String {
        func series(_ percentile: Double) -> [Double] {
            state.seconds.map { Double($0.latency.valueAtPercentile(percentile)) / 1000 }
        }
        return Chart(
            [
                .init(name: "p50", color: "--done", values: series(50)),
                .init(name: "p99", color: "--refused", values: series(99)),
            ],
            unit: "ms"
        ).svg
    }

    private static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}

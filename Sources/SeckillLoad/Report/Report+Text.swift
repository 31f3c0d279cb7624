internal import Foundation

extension Report {
    /// For the terminal.
    var text: String {
        var lines = [headline, ""]
        lines.append(
            Self.cells([
                "step", "requests", "done", "refused", "failed", "/s", "p50", "p90", "p99", "p99.9", "max", "p99*",
            ])
        )
        for row in rows {
            let record = row.record
            lines.append(
                Self.cells(
                    [row.step.rawValue, "\(record.count)", "\(record.done)"]
                        + ["\(record.count - record.done - record.failed)", "\(record.failed)", "\(Int(row.rate))"]
                        + Self.times(row)
                )
            )
        }
        lines.append("times in ms; p99*: had the clients not waited for slow answers before they asked again")
        for row in rows where !row.record.others.isEmpty {
            lines.append("\(row.step.rawValue) not done: \(Self.list(row.record.others))")
        }
        lines += gaps
        if let workText { lines.append(workText) }
        lines.append(exactness?.text ?? "the server's own counts could not be had")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func cells(_ cells: [String]) -> String {
        cells.enumerated().map { index, cell in
            let padding = String(repeating: " ", count: max(0, (index == 0 ? 9 : 8) - cell.count))
            return index == 0 ? cell + padding : padding + cell
        }.joined(separator: " ")
    }
}

internal import Foundation

/// Lines over seconds, as SVG.
struct Chart {
    struct Series {
        var name: String
        /// A custom property of the page's style.
        var color: String
        var values: [Double]
    }

    private static let width = 800.0
    private static let height = 200.0
    private static let left = 60.0
    private let series: [Series]
    private let unit: String

    init(_ series: [Series], unit: String) {
        self.series = series
        self.unit = unit
    }

    var svg: String {
        let top = max(1, series.flatMap(\.values).max() ?? 1)
        let seconds = max(1, (series.map(\.values.count).max() ?? 1) - 1)
        let grid = (0...4).map { step in
            let y = Self.height - Self.height * Double(step) / 4
            return """
                <line x1="\(Self.left)" x2="\(Self.width)" y1="\(y)" y2="\(y)" stroke="var(--line)"/>\
                <text x="\(Self.left - 6)" y="\(y + 4)" text-anchor="end">\(Self.short(top * Double(step) / 4))</text>
                """
        }
        let lines = series.map { series in
            let points = series.values.enumerated().map { second, value in
                let x = Self.left + (Self.width - Self.left) * Double(second) / Double(seconds)
                return String(format: "%.1f,%.1f", x, Self.height - Self.height * value / top)
            }
            return """
                <polyline fill="none" stroke="var(\(series.color))" stroke-width="2" \
                points="\(points.joined(separator: " "))"/>
                """
        }
        let legend = series.enumerated().map { index, series in
            let x = Self.left + 120 * Double(index)
            return """
                <rect x="\(x)" y="\(Self.height + 12)" width="10" height="10" fill="var(\(series.color))"/>\
                <text x="\(x + 16)" y="\(Self.height + 21)">\(series.name), \(unit)</text>
                """
        }
        let label = series.map(\.name).joined(separator: ", ")
        return """
            <svg viewBox="0 -10 \(Self.width + 10) \(Self.height + 40)" role="img" aria-label="\(label) over \(seconds) s">
            \((grid + lines + legend).joined(separator: "\n"))
            </svg>
            """
    }

    private static func short(_ value: Double) -> String {
        value >= 10_000 ? String(format: "%.0fk", value / 1000) : String(format: value < 10 ? "%.1f" : "%.0f", value)
    }
}

/// A line of digits and operators as an unsteady hand draws them, with scratches between: pieces of curves in no order,
/// each by way of as many points as chance will have, with a pen that is as wide for one as for the other.
///
/// Neither counts nor widths tell a digit from another or from a scratch. Where the pieces lie and how they bend does, to
/// a program as to a person: it has to look at the shapes.
struct PenDrawing {
    private struct Point {
        var x: Double
        var y: Double

        func distance(to other: Point) -> Double {
            ((x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)).squareRoot()
        }

        static func between(_ a: Point, _ b: Point, at fraction: Double) -> Point {
            Point(x: a.x + (b.x - a.x) * fraction, y: a.y + (b.y - a.y) * fraction)
        }

        static func middle(_ a: Point, _ b: Point) -> Point { Point(x: (a.x + b.x) / 2, y: (a.y + b.y) / 2) }
    }

    /// A line of short straight pieces, and how far from its beginning each of its points is.
    private struct Polyline {
        let points: [Point]
        private let distances: [Double]

        init(_ points: [Point]) {
            self.points = points
            var sum = 0.0
            distances = points.indices.map { index in
                if index > 0 { sum += points[index - 1].distance(to: points[index]) }
                return sum
            }
        }

        var length: Double { distances.last ?? 0 }

        /// The point after this part of the length.
        func point(at fraction: Double) -> Point {
            let distance = length * fraction
            guard let next = distances.indices.dropFirst().first(where: { distances[$0] >= distance }) else {
                return points[points.count - 1]
            }
            let step = distances[next] - distances[next - 1]
            guard step > 0 else { return points[next] }
            return .between(points[next - 1], points[next], at: (distance - distances[next - 1]) / step)
        }
    }

    private static let height = 100.0
    private static let advance = 54.0
    private let width: Double
    private var strokes: [(points: [Point], pen: Double)] = []

    init(of text: String, using generator: inout RandomGenerator) {
        width = Double(text.utf8.count) * Self.advance + 40
        for (index, character) in text.enumerated() {
            let x = 26 + Double(index) * Self.advance
            for outline in Self.outlines[character] ?? [] { draw(outline, at: x, &generator) }
        }
        for _ in 0..<2 { scratch(&generator) }
        strokes.shuffle(using: &generator)
    }

    private mutating func draw(_ outline: [(Int, Int)], at x: Double, _ generator: inout RandomGenerator) {
        // Each stroke leans, grows and slips by itself.
        let lean = Double.random(in: -0.16...0.16, using: &generator)
        let size = Double.random(in: 0.5...0.62, using: &generator)
        let slip = Point(
            x: x + Double.random(in: -2...2, using: &generator),
            y: 20 + Double.random(in: -5...5, using: &generator)
        )
        var shaken: [Point] = []
        var last: (Int, Int)?
        for (px, py) in outline {
            // A point that is named twice is a corner, and stays one point.
            if let last, last == (px, py), let point = shaken.last {
                shaken.append(point)
                continue
            }
            last = (px, py)
            let (dx, dy) = (Double(px) + .random(in: -3...3, using: &generator), Double(py) - 50)
            shaken.append(
                Point(
                    x: slip.x + (dx - dy * lean) * size,
                    y: slip.y + 30 + (dy + dx * lean + .random(in: -3...3, using: &generator)) * size
                )
            )
        }
        add(shaken, &generator)
    }

    /// A line that means nothing.
    private mutating func scratch(_ generator: inout RandomGenerator) {
        let length = Double.random(in: 50...110, using: &generator)
        let start = Double.random(in: 4...width - 4 - length, using: &generator)
        let points = (0..<4).map { step in
            Point(x: start + length * Double(step) / 3, y: .random(in: 8...92, using: &generator))
        }
        add(points, &generator)
    }

    /// The line in one to three pieces that meet.
    private mutating func add(_ points: [Point], _ generator: inout RandomGenerator) {
        let line = Polyline(Self.flat(points))
        let cuts = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
            Double.random(in: 0.15...0.85, using: &generator)
        }
        let ends = [0] + cuts.sorted() + [1]
        for (from, to) in zip(ends, ends.dropFirst()) { addPiece(of: line, from, to, &generator) }
    }

    /// A part of a line, drawn in either direction.
    private mutating func addPiece(
        of line: Polyline,
        _ from: Double,
        _ to: Double,
        _ generator: inout RandomGenerator
    ) {
        let length = line.length * (to - from)
        let count = max(2, Int(length / .random(in: 4...9, using: &generator)))
        var piece = (0...count).map { step in
            let jitter = step == 0 || step == count ? 0 : Double.random(in: -0.3...0.3, using: &generator)
            return line.point(at: from + (to - from) * (Double(step) + jitter) / Double(count))
        }
        if Bool.random(using: &generator) { piece.reverse() }
        strokes.append((piece, .random(in: 2.6...3.8, using: &generator)))
    }

    /// The smooth line by way of the points, as short straight ones: through the middles between them, and through each
    /// that is there twice.
    private static func flat(_ points: [Point]) -> [Point] {
        guard let first = points.first, let last = points.last else { return [] }
        var line = [first]
        for (point, next) in zip(points.dropFirst(), points.dropFirst(2)) {
            let (start, end) = (line[line.count - 1], Point.middle(point, next))
            for step in 1...8 {
                let fraction = Double(step) / 8
                line.append(
                    .between(
                        .between(start, point, at: fraction),
                        .between(point, end, at: fraction),
                        at: fraction
                    )
                )
            }
        }
        return line + [last]
    }

    var svg: String {
        var svg: [UInt8] = []
        svg.reserveCapacity(8192)
        svg += #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 "#.utf8
        Self.append(width, to: &svg)
        svg += " ".utf8
        Self.append(Self.height, to: &svg)
        svg += ##"" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">"##.utf8
        for stroke in strokes {
            svg += #"<path stroke-width=""#.utf8
            Self.append(stroke.pen, to: &svg)
            svg += #"" d=""#.utf8
            Self.append(stroke.points, to: &svg)
            svg += #""/>"#.utf8
        }
        svg += "</svg>".utf8
        return String(decoding: svg, as: UTF8.self)
    }

    /// Appends a smooth line by way of the points, through the middles between them.
    private static func append(_ points: [Point], to svg: inout [UInt8]) {
        guard let first = points.first, let last = points.last else { return }
        append("M", first, to: &svg)
        for (point, next) in zip(points.dropFirst(), points.dropFirst(2)) {
            append("Q", point, to: &svg)
            append(" ", .middle(point, next), to: &svg)
        }
        append("L", last, to: &svg)
    }

    private static func append(_ command: Unicode.Scalar, _ point: Point, to svg: inout [UInt8]) {
        svg.append(UInt8(ascii: command))
        append(point.x, to: &svg)
        svg.append(UInt8(ascii: " "))
        append(point.y, to: &svg)
    }

    /// Appends a number, to the tenth: as fine as anybody sees.
    private static func append(_ number: Double, to svg: inout [UInt8]) {
        let tenths = Int((number * 10).rounded())
        if tenths < 0 { svg.append(UInt8(ascii: "-")) }
        let whole = UInt16(abs(tenths) / 10)
        // No drawing is a thousand wide.
        for divisor: UInt16 in [100, 10] where whole >= divisor {
            svg.append(UInt8(ascii: "0") + UInt8(whole / divisor % 10))
        }
        svg.append(UInt8(ascii: "0") + UInt8(whole % 10))
        svg.append(UInt8(ascii: "."))
        svg.append(UInt8(ascii: "0") + UInt8(abs(tenths) % 10))
    }

    /// Strokes in a box 60 wide and 100 high.
    private static let outlines: [Character: [[(Int, Int)]]] = [
        "0": [[(30, 0), (2, -2), (-4, 50), (2, 102), (30, 102), (58, 102), (64, 50), (58, -2), (30, 0)]],
        "1": [[(10, 24), (34, 0), (34, 0), (34, 100)]],
        "2": [[(2, 26), (4, -8), (62, -10), (60, 36), (30, 66), (0, 100), (0, 100), (60, 100)]],
        "3": [[(2, 10), (28, -10), (66, 2), (58, 46), (24, 46), (24, 46), (70, 48), (64, 108), (22, 108), (0, 88)]],
        "4": [[(44, 100), (44, 0), (44, 0), (0, 68), (0, 68), (62, 68)]],
        "5": [[(56, 0), (8, 0), (8, 0), (4, 46), (4, 46), (36, 30), (70, 52), (62, 108), (20, 108), (0, 90)]],
        "6": [[(52, 2), (14, 6), (-4, 60), (0, 104), (34, 106), (66, 100), (62, 48), (30, 46), (4, 56), (1, 74)]],
        "7": [[(0, 0), (60, 0), (60, 0), (40, 40), (22, 100)], [(16, 52), (52, 50)]],
        "8": [
            [
                (30, 48), (-2, 40), (-2, -2), (30, -4), (62, -2), (62, 40), (30, 48), (-6, 58), (-4, 104), (30, 104),
                (64, 104), (66, 58), (30, 48),
            ]
        ],
        "9": [[(59, 26), (56, 54), (28, 56), (-4, 50), (-2, -2), (30, -6), (62, -4), (62, 46), (44, 98), (10, 100)]],
        "+": [[(30, 22), (30, 78)], [(2, 50), (58, 50)]],
        "-": [[(2, 50), (58, 50)]],
        "*": [[(8, 28), (52, 72)], [(52, 28), (8, 72)]],
    ]
}

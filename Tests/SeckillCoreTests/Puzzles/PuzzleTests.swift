import Crypto
import SeckillCore
import SeckillTesting
import Testing

/// Finds a number as a patient client does.
func work(on prompt: ChallengePrompt) throws -> String {
    let prefix = try #require(prompt.fields["prefix"])
    let bits = try #require(prompt.fields["bits"].flatMap { Int($0) })
    return try #require(
        (0..<1_000_000).lazy.map { String($0) }.first { zeroBits(SHA256.hash(data: Array((prefix + $0).utf8))) >= bits }
    )
}

private func zeroBits(_ hash: some Sequence<UInt8>) -> Int {
    var count = 0
    for byte in hash {
        count += byte.leadingZeroBitCount
        if byte != 0 { break }
    }
    return count
}

struct ArithmeticPuzzleTests {
    @Test func theDrawingIsOfStrokesAlone() throws {
        let random = SeededRandom(1)
        for _ in 0..<200 {
            let (fields, solution) = ArithmeticPuzzle().make(from: random)
            #expect(Array(fields.keys) == ["svg"])
            let svg = try #require(fields["svg"])
            // Element names, attribute names and their letters: nothing else is in it that could be read.
            #expect(
                try svg.wholeMatch(of: Regex(#"<svg [^<>]*>(<path stroke-width="[0-9.]+" d="[MLQ0-9. -]+"/>)+</svg>"#))
                    != nil
            )
            #expect(!svg.contains("text") && !svg.contains("\"\(solution)\""))
            let answer = try #require(Int(solution))
            #expect((0...81).contains(answer))
        }
    }

    /// The operating system's randomness costs more than the drawing.
    @Test func aDrawingAsksForRandomnessOnce() {
        final class Counting: RandomSource {
            let source = SeededRandom(1)
            let count = Locked(0)
            func next() -> UInt64 {
                count.withLock { $0 += 1 }
                return source.next()
            }
        }
        let random = Counting()
        _ = ArithmeticPuzzle().make(from: random)
        #expect(random.count.withLock { $0 } == 4)
    }

    @Test func theSameSumIsNeverDrawnTheSame() {
        let random = SeededRandom(1)
        let made = (0..<2000).map { _ in ArithmeticPuzzle().make(from: random) }
        #expect(Set(made.map { $0.fields["svg"] }).count == 2000)
        #expect(Set(made.map(\.solution)).count > 40)
    }

    /// Strokes come in any order: the first is now of the first digit, now a scratch, now of the last.
    @Test func theOrderOfTheStrokesTellsNothing() {
        let random = SeededRandom(1)
        let starts = (0..<200).compactMap { _ in
            ArithmeticPuzzle().make(from: random).fields["svg"]?.split(separator: " d=\"M").dropFirst().first
                .flatMap { Double($0.prefix { $0 != " " }) }
        }
        #expect(starts.filter { $0 < 80 }.count > 40 && starts.filter { $0 > 120 }.count > 40)
    }

    /// What a path is made of does not name a digit: the same sum comes in many counts of paths and points.
    @Test func countsTellNothing() {
        let random = SeededRandom(1)
        var paths: [String: Set<Int>] = [:]
        var points: Set<Int> = []
        for _ in 0..<2000 {
            let (fields, solution) = ArithmeticPuzzle().make(from: random)
            let drawn = (fields["svg"] ?? "").split(separator: "<path").dropFirst()
            paths[solution, default: []].insert(drawn.count)
            points.formUnion(drawn.map { $0.count { $0 == "Q" } })
        }
        #expect(points.isSuperset(of: 2...20))
        #expect(paths["24"]?.count ?? 0 > 5)
    }

    /// A scratch is drawn with the pen of the digits.
    @Test func pensTellNothing() {
        let random = SeededRandom(1)
        let pens = (0..<200).flatMap { _ in
            (ArithmeticPuzzle().make(from: random).fields["svg"] ?? "").split(separator: "stroke-width=\"").dropFirst()
                .compactMap { Double($0.prefix { $0 != "\"" }) }
        }
        // Scratches are not a group of their own: nowhere between the thinnest and the widest is a gap.
        #expect(Set(pens) == Set((26...38).map { Double($0) / 10 }))
    }

    @Test func spacesAroundDigitsAreForgiven() {
        let puzzle = ArithmeticPuzzle()
        for right in ["12", " 12", "12 ", "  12  "] { #expect(puzzle.accepts(right, for: "12")) }
        for wrong in [
            "", " ", "1 2", "012", "+12", "12.", "１２", "12\u{301}", "12\n", "12" + String(repeating: " ", count: 99),
        ] {
            #expect(!puzzle.accepts(wrong, for: "12"))
        }
    }
}

struct WorkPuzzleTests {
    @Test func workIsCountedInBits() throws {
        let (fields, solution) = try WorkPuzzle(bits: 10).make(from: SeededRandom(1))
        #expect(fields["bits"] == "10")
        let prefix = try #require(fields["prefix"])
        var right = 0
        for number in 0..<20_000 {
            let isRight = zeroBits(SHA256.hash(data: Array("\(prefix)\(number)".utf8))) >= 10
            #expect(try WorkPuzzle(bits: 10).accepts(String(number), for: solution) == isRight)
            right += isRight ? 1 : 0
        }
        // 19.5 on average.
        #expect((5...40).contains(right))
    }

    @Test func anAnswerIsANumberAndShort() throws {
        let puzzle = try WorkPuzzle(bits: 1)
        let prompt = puzzle.make(from: SeededRandom(1))
        var accepted: Set<Int> = []
        for number in 0..<64 {
            if puzzle.accepts(String(number), for: prompt.solution) { accepted.insert(number) }
            for odd in ["x\(number)", " \(number)", "\(number)" + String(repeating: "0", count: 20), "-\(number)", ""] {
                #expect(!puzzle.accepts(odd, for: prompt.solution))
            }
        }
        #expect(accepted.count > 10)
    }

    @Test func aChangeOfDifficultySparesOpenQuestions() throws {
        let (fields, solution) = try WorkPuzzle(bits: 4).make(from: SeededRandom(1))
        let answer = try work(on: ChallengePrompt(id: "", fields: fields))
        #expect(try WorkPuzzle(bits: 32).accepts(answer, for: solution))
    }

    @Test(arguments: [0, 33, -1, .max]) func thereAreBounds(_ bits: Int) {
        #expect(throws: SeckillError.self) { try WorkPuzzle(bits: bits) }
    }
}

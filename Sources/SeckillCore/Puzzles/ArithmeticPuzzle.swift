/// A small sum, drawn: `27 + 5`. Field `svg`: an image of strokes alone, in the colour of the text around it, that says
/// neither the sum nor its answer.
///
/// It costs a script some effort, not a determined one: rate limits and the limit per user carry the weight. Who cannot
/// see it needs another puzzle beside it, such as ``WorkPuzzle``.
public struct ArithmeticPuzzle: Puzzle {
    private enum Operation: CaseIterable {
        case plus, minus, times
    }

    /// Sums, differences and products that people do in their heads, never negative.
    public init() {}

    /// `captcha`.
    public var kind: String { "captcha" }

    /// A new sum.
    public func make(from random: any RandomSource) -> (fields: [String: String], solution: String) {
        var generator = RandomGenerator(random)
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let (sum, result): (String, Int)
        switch Operation.allCases.randomElement(using: &generator)! {
        case .plus:
            let (a, b) = (number(10...49), number(2...19))
            (sum, result) = ("\(a)+\(b)", a + b)
        case .minus:
            let (a, b) = (number(20...69), number(2...19))
            (sum, result) = ("\(a)-\(b)", a - b)
        case .times:
            let (a, b) = (number(3...9), number(3...9))
            (sum, result) = ("\(a)*\(b)", a * b)
        }
        return (["svg": PenDrawing(of: sum, using: &generator).svg], String(result))
    }

    /// Digits only, spaces around them ignored.
    public func accepts(_ answer: String, for solution: String) -> Bool {
        guard answer.utf8.count <= 16 else { return false }
        return answer.utf8.drop { $0 == 0x20 }.reversed().drop { $0 == 0x20 }.reversed().elementsEqual(solution.utf8)
    }
}

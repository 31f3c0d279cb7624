import Testing

@testable import SeckillLoad

struct ExactnessTests {
    private func counts(sequence: Int?, remaining: Int, live: Int = 0) -> Server.Counts {
        Server.Counts(sequence: sequence, remaining: remaining, pending: 0, live: live, stock: 10)
    }

    private func exactness(
        _ acknowledged: [String],
        unknown: [String] = [],
        sequence: Int? = nil,
        remaining: Int = 10,
        live: Int = 0
    ) -> Exactness {
        var state = Scoreboard.State()
        state.acknowledged = Set(acknowledged)
        state.unknown = Set(unknown)
        let before = counts(sequence: sequence.map { _ in 0 }, remaining: 10)
        return Exactness(before: before, after: counts(sequence: sequence, remaining: remaining, live: live), state)
    }

    @Test func everyAcknowledgedOrderIsTakenOnce() {
        #expect(exactness(["a", "b"], sequence: 2, remaining: 8).isExact)
        #expect(!exactness(["a", "b"], sequence: 1, remaining: 9).isExact, "one is lost")
        #expect(!exactness(["a", "b"], sequence: 3, remaining: 7).isExact, "one is nobody's")
    }

    @Test func whatWasNeverAnsweredCountsOrDoesNot() {
        for taken in 1...2 { #expect(exactness(["a"], unknown: ["a", "b"], sequence: taken).isExact) }
        #expect(!exactness(["a"], unknown: ["b"], sequence: 3).isExact)
    }

    @Test func unitsThatCameBackAreNoOrdersLost() {
        #expect(exactness(["a", "b"], sequence: 2, remaining: 10).isExact)
    }

    @Test func withoutTheOperatorsWordTheRemainingUnitsTell() {
        #expect(exactness(["a"], remaining: 9).isExact)
        #expect(!exactness(["a"], remaining: 8).isExact)
    }

    @Test func oversoldIsNeverExact() {
        let oversold = exactness(["a"], sequence: 1, live: 11)
        #expect(!oversold.isExact && oversold.text.hasPrefix("OVERSOLD by 1"))
    }
}

import ArgumentParser
import Histogram
import Testing

@testable import SeckillLoad

struct MeasureTests {
    @Test func whatAStallHidFromAClosedLoopIsAddedBack() {
        var record = StepRecord()
        for _ in 0..<99 { record.add(.done, after: .milliseconds(1)) }
        record.add(.done, after: .milliseconds(100))
        #expect(record.latency.valueAtPercentile(98) < 1100)
        let corrected = record.corrected(expecting: .milliseconds(1))
        // One second of patience would have been asked for a hundred times more, ever less late.
        #expect(corrected.totalCount == 199)
        #expect((49_000...52_000).contains(corrected.valueAtPercentile(75)))
    }

    @Test func outcomesAreCountedByName() {
        var record = StepRecord()
        record.add(.done, after: .zero)
        for code in ["sold_out", "paused", "sold_out"] { record.add(.refused(code), after: .zero) }
        record.add(.failed("connection broken"), after: .zero)
        #expect(record.count == 5 && record.done == 1 && record.failed == 1)
        #expect(record.others.map(\.name) == ["sold_out", "connection broken", "paused"])
    }

    @Test func anOpenLoopIsOnTimeAndAClosedOneRampsUp() throws {
        let crowd = try CrowdOptions.parse(["--buyers", "10", "--loops", "3", "--ramp-up", "5"])
        let open = Plan(crowd, arrivals: 100, isPrepared: false, pays: false)
        #expect(open.start(ofLoop: 0, by: 1) == .milliseconds(10))
        #expect(open.start(ofLoop: 2, by: 5) == .milliseconds(250))
        let closed = Plan(crowd, arrivals: nil, isPrepared: false, pays: false)
        #expect(closed.start(ofLoop: 0, by: 4) == .seconds(2))
        #expect(closed.start(ofLoop: 1, by: 4) == nil)
    }

    @Test(arguments: [
        ["--buyers", "0"], ["--buyers", "100001"], ["--loops", "0"], ["--loops", "1001"], ["--think", "-1"],
        ["--timeout", "3601"],
    ])
    func whatIsOutOfBoundsIsSaid(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try CrowdOptions.parse(arguments) }
    }
}

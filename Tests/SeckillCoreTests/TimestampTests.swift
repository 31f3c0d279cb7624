import Testing

@testable import SeckillCore

/// Times come from operators, files and servers, and may be anything.
@Suite struct TimestampTests {
    private static let ends = [Int64.min, Int64.min + 1, -1, 0, 1, Int64.max - 1, Int64.max]
    private static let durations: [Duration] = [
        .zero, .milliseconds(1), .milliseconds(-1), .seconds(Int64.max), .seconds(-Int64.max),
        .milliseconds(Int64.max), .milliseconds(Int64.min), .microseconds(Int64.max),
    ]

    @Test(arguments: ends, durations) func sumsStopAtTheEndsOfTime(_ milliseconds: Int64, _ duration: Duration) {
        let sum = Timestamp(milliseconds: milliseconds) + duration
        let (exact, overflow) = milliseconds.addingReportingOverflow(duration.milliseconds)
        #expect(sum.milliseconds == (overflow ? (duration < .zero ? .min : .max) : exact))
    }

    @Test(arguments: ends, ends) func differencesAreExact(_ a: Int64, _ b: Int64) {
        let difference = Timestamp(milliseconds: a) - Timestamp(milliseconds: b)
        #expect(difference == .milliseconds(a) - .milliseconds(b))
        #expect((difference > .zero) == (a > b))
    }

    @Test func millisecondsStopAtTheEndsOfTheirType() {
        #expect(Duration.seconds(Int64.max).milliseconds == .max)
        #expect(Duration.seconds(-Int64.max).milliseconds == .min)
        #expect(Duration.milliseconds(Int64.max).milliseconds == .max)
        #expect(Duration.milliseconds(Int64.min).milliseconds == .min)
        #expect((Duration.milliseconds(Int64.max) + .milliseconds(1)).milliseconds == .max)
        #expect(Duration.microseconds(-1500).milliseconds == -1)
    }
}

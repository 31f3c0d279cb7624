/// A moment of wall-clock time: milliseconds since 1970 in UTC. What is stored and shown; never used to measure.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since the first of January 1970, UTC.
    public var milliseconds: Int64

    /// The moment `milliseconds` after 1970.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Earlier or later.
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    /// Returns the moment `duration` later, in whole milliseconds; the first or last moment there is if that is beyond it.
    public static func + (moment: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(duration.milliseconds)
        return Timestamp(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// Returns the time from `b` to `a`.
    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        // As durations, whose range holds the difference of any two moments.
        .milliseconds(a.milliseconds) - .milliseconds(b.milliseconds)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero; the smallest or largest number there is if they are beyond it.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// Seconds as a floating-point number, for metrics.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

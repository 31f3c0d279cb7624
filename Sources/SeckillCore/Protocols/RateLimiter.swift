/// Keeps one caller from crowding out the others.
///
/// "5 per 5 s" means never more than 5 admitted in *any* 5 s window, by the store's clock: a sliding log, not counters
/// that reset on the hour. A refusal counts for nothing. Atomic per key, and keys are compared by bytes. Memory is bounded:
/// a limiter that is full forgets the key that was admitted longest ago, so that old keys never keep new ones out.
/// **Errors**: `unavailable`, `overloaded`; after `outcomeUnknown` the request may have been counted.
public protocol RateLimiter: Sendable {
    /// Counts one request of `key` now, or says how long to wait until one would be admitted.
    func admit(_ key: String) async throws -> RateDecision
}

/// What a rate limiter decided.
public enum RateDecision: Hashable, Sendable {
    /// Counted; go on.
    case admitted
    /// Not counted. A request made this much later would be admitted, if no other came before it.
    case refused(retryAfter: Duration)
}

/// At most `count` in any window of `period`.
public struct Rate: Hashable, Sendable {
    /// 1 to 1,000.
    public let count: Int
    /// 1 ms to a day.
    public let period: Duration

    /// A rate, or nil if it is out of range.
    public init?(_ count: Int, per period: Duration) {
        guard (1...1000).contains(count), period >= .milliseconds(1), period <= .seconds(86_400) else { return nil }
        self.count = count
        self.period = period
    }
}

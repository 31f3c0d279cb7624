internal import DequeModule

/// A sliding log in this process: the times of each key's last admissions, by the clock that never jumps.
public final class MemoryRateLimiter: RateLimiter {
    private let rate: Rate
    private let clock: any SaleClock
    private let limit: Int
    private let logs: Locked<Generations<TextKey, Deque<Duration>>>

    /// A limiter that remembers at most `limit` keys; idle ones are forgotten after one to two periods.
    public init(_ rate: Rate, clock: any SaleClock = .system, limit: Int = 1_000_000) {
        self.rate = rate
        self.clock = clock
        self.limit = limit
        logs = Locked(Generations(lifetime: rate.period))
    }

    /// One lock and a few look-ups. Forgetting is part of every call, a little of it each time.
    public func admit(_ key: String) async throws -> RateDecision {
        let key = TextKey(key)
        let now = clock.uptime
        return try logs.withLock { logs throws(SeckillError) in
            var log = logs.value(for: key, at: now) ?? []
            while let first = log.first, now - first >= rate.period { log.removeFirst() }
            if log.count >= rate.count { return .refused(retryAfter: log[0] + rate.period - now) }
            guard !log.isEmpty || logs.count < limit || logs.makeRoom(at: now) else {
                throw SeckillError(.overloaded, "\(limit) callers are being limited; try again in \(rate.period)")
            }
            log.append(now)
            logs.set(log, for: key, at: now)
            return .admitted
        }
    }
}

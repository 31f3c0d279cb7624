internal import DequeModule

/// A sliding log in this process: the times of each key's last admissions, by the clock that never jumps.
public final class MemoryRateLimiter: RateLimiter {
    private let rate: Rate
    private let clock: any SaleClock
    private let limit: Int
    /// The key that was admitted longest ago first.
    private let logs = Locked(LinkedTable<TextKey, Deque<Duration>>())

    /// A limiter that remembers at most `limit` keys, 1 or more.
    public init(_ rate: Rate, clock: any SaleClock = .system, limit: Int = 1_000_000) {
        self.rate = rate
        self.clock = clock
        self.limit = max(limit, 1)
    }

    /// One lock and a few look-ups. Forgetting is part of every call, a little of it each time.
    public func admit(_ key: String) async throws -> RateDecision {
        let key = TextKey(key)
        let now = clock.uptime
        return logs.withLock { logs in
            for _ in 1...2 {
                guard let first = logs.first, first.value.last.map({ now - $0 >= rate.period }) ?? true else { break }
                logs[first.key] = nil
            }
            var log = logs[key] ?? []
            while let first = log.first, now - first >= rate.period { log.removeFirst() }
            if log.count >= rate.count { return .refused(retryAfter: log[0] + rate.period - now) }
            if log.isEmpty, logs.count >= limit, logs[key] == nil, let first = logs.first { logs[first.key] = nil }
            log.append(now)
            logs[key] = log
            logs.moveToEnd(key)
            return .admitted
        }
    }
}

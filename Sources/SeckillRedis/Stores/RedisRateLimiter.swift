public import SeckillCore

/// A sliding log per key, in Redis and by its clock, so that all nodes count together.
///
/// A key holds as many times as its rate has requests, 16 bytes each, and is gone a period after the last one. Cost: one
/// script a call, which reads and writes them all.
/// At its memory limit Redis refuses (`overloaded`) rather than forget, provided that it evicts nothing: set
/// `maxmemory-policy noeviction`.
public struct RedisRateLimiter: RateLimiter {
    let redis: RedisConnection
    private let rate: Rate
    private let name: String
    private let keys: RedisKeys

    /// A limiter. Those that count different things need different names.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(_ redis: RedisConnection, _ rate: Rate, name: String = "requests", namespace: String) {
        self.redis = redis
        self.rate = rate
        self.name = name
        keys = redis.keys(of: namespace)
    }

    /// Counts a request, or says how long to wait.
    public func admit(_ key: String) async throws -> RateDecision {
        var command = RedisScript.admit.call([rateKey(key)])
        appendRate(to: &command)
        guard let wait = try await redis.ask(command).integer else {
            throw SeckillError(.outcomeUnknown, "unexpected reply from the Lua script admit")
        }
        return wait == 0 ? .admitted : .refused(retryAfter: .microseconds(wait))
    }

    // MARK: Inside the module

    func rateKey(_ key: String) -> RedisKey { keys.rate(name, key) }

    func appendRate(to command: inout RedisCommand) {
        let period = rate.period / .microseconds(1)
        command.append(rate.count)
        command.append(Int(period.rounded(.up)))
    }
}

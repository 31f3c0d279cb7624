public import SeckillCore

/// The contract of ``SeckillCore/RateLimiter`` as code.
public struct RateLimiterConformance: ConformanceSuite {
    private let make: @Sendable (Rate) async throws -> (any RateLimiter, TestTime)
    private let limit: Int?

    /// A suite for limiters that go by the clock they are given.
    /// - Parameters:
    ///   - limit: how many keys the limiters that are made remember, 200 or more; nil leaves the bound unchecked.
    ///   - make: makes a limiter that has seen nobody, a new one each time.
    public init(limit: Int? = nil, _ make: @escaping @Sendable (Rate, ManualClock) async throws -> any RateLimiter) {
        self.make = { rate in
            let clock = ManualClock()
            return (try await make(rate, clock), TestTime(clock: clock))
        }
        self.limit = limit
    }

    /// A suite for limiters whose clock is elsewhere, such as in a server: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: runs as fast as the limiters' clock.
    ///   - limit: how many keys the limiters that are made remember, 200 or more; nil leaves the bound unchecked.
    ///   - make: makes a limiter that has seen nobody, a new one each time.
    public init(
        clock: any SaleClock,
        limit: Int? = nil,
        _ make: @escaping @Sendable (Rate) async throws -> any RateLimiter
    ) {
        self.make = { rate in (try await make(rate), TestTime(clock: clock)) }
        self.limit = limit
    }

    /// Every rule of a rate limiter.
    public static var checks: [Check] { counting + windows + crowds }

    private static func rule(
        _ rule: String,
        _ count: Int,
        per period: Duration,
        _ body: @escaping @Sendable (any RateLimiter, TestTime) async throws -> Void
    ) -> Check {
        Check(rule) { suite in
            let (limiter, time) = try await suite.make(try require(Rate(count, per: period), "a rate"))
            try await body(limiter, time)
        }
    }

    private static let counting: [Check] = [
        rule("as many as the rate allows are admitted at once, and not one more", 5, per: .seconds(60)) { limiter, _ in
            for turn in 1...5 { try expect(try await limiter.admit("a"), equals: .admitted, "request \(turn)") }
            for turn in 6...9 {
                guard case .refused(let wait) = try await limiter.admit("a") else {
                    throw Violation("request \(turn) is admitted", #fileID, #line)
                }
                try expect(wait > .zero && wait <= .seconds(60), "wait of \(wait)")
            }
        },
        rule("keys do not share, and are told apart by bytes", 1, per: .seconds(60)) { limiter, _ in
            for user in UserID.odd { try expect(try await limiter.admit(user.text), equals: .admitted, "'\(user)'") }
            for user in UserID.odd {
                try expect(try await limiter.admit(user.text) != .admitted, "'\(user)' is admitted twice")
            }
        },
        rule("a refused caller may come back exactly when it was told", 3, per: TestTime.short) { limiter, time in
            for turn in 0..<6 {
                var decision = try await limiter.admit("a")
                while case .admitted = decision {
                    if let clock = time.manual { clock.advance(by: .milliseconds(7 * turn)) }
                    decision = try await limiter.admit("a")
                }
                guard case .refused(let wait) = decision else { return }
                if let clock = time.manual {
                    clock.advance(by: wait - .milliseconds(1))
                    let early = try await limiter.admit("a")
                    try expect(early, equals: .refused(retryAfter: .milliseconds(1)), "1 ms early")
                    clock.advance(by: .milliseconds(1))
                } else {
                    try await time.pass(wait)
                }
                try expect(try await limiter.admit("a"), equals: .admitted, "after the wait of \(wait)")
            }
        },
        rule("refusals count for nothing", 2, per: TestTime.short) { limiter, time in
            let start = time.clock.uptime
            for _ in 1...2 { try expect(try await limiter.admit("a"), equals: .admitted, "at first") }
            let admitted = time.clock.uptime
            while time.since(admitted) < TestTime.short {
                let refused = try await limiter.admit("a") != .admitted
                try expect(refused || time.since(start) >= TestTime.short, "a third")
                // Its time came between the call and the answer; it counts, and the rest would be about it.
                guard refused else { return }
                if let clock = time.manual { clock.advance(by: .milliseconds(1)) }
            }
            try await time.pass(.milliseconds(1))
            for turn in 1...2 { try expect(try await limiter.admit("a"), equals: .admitted, "later, request \(turn)") }
        },
        Check("a full limiter forgets whom it admitted longest ago, and keeps nobody new out") { suite in
            guard let limit = suite.limit else { return }
            let (limiter, _) = try await suite.make(try require(Rate(2, per: .seconds(3600)), "a rate"))
            for key in 0..<limit { try expect(try await limiter.admit("key-\(key)"), equals: .admitted, "a new key") }
            try expect(try await limiter.admit("key-0"), equals: .admitted, "the second of a key")
            for key in 0..<limit / 2 {
                try expect(try await limiter.admit("new-\(key)"), equals: .admitted, "a new key")
            }
            // What a refusal touches must not live longer for it, or those who are refused would push others out.
            try expect(try await limiter.admit("key-0") != .admitted, "the third of a key")
            for key in limit / 2 + 1..<limit {
                try expect(try await limiter.admit("key-\(key)"), equals: .admitted, "the second of a key")
                try expect(try await limiter.admit("key-\(key)") != .admitted, "a key is forgotten")
            }
        },
    ]

    private static let windows: [Check] = [
        rule("no burst across the edge of a window, wherever the window begins", 5, per: .seconds(10)) {
            limiter,
            time in
            guard let clock = time.manual else { return }
            for phase in 0..<10 {
                clock.advance(by: .seconds(20) + .seconds(phase))
                for turn in 1...5 { try expect(try await limiter.admit("a"), equals: .admitted, "request \(turn)") }
                clock.advance(by: .milliseconds(9_999))
                let late = try await limiter.admit("a")
                try expect(late, equals: .refused(retryAfter: .milliseconds(1)), "1 ms before the first is forgotten")
                clock.advance(by: .milliseconds(1))
                for turn in 1...5 {
                    try expect(try await limiter.admit("a"), equals: .admitted, "then request \(turn)")
                }
            }
        },
        rule("room comes back as requests grow old, not bit by bit", 5, per: .seconds(10)) { limiter, time in
            guard let clock = time.manual else { return }
            try expect(try await limiter.admit("a"), equals: .admitted, "at 0 s")
            clock.advance(by: .seconds(9))
            for _ in 1...4 { try expect(try await limiter.admit("a"), equals: .admitted, "at 9 s") }
            try expect(try await limiter.admit("a"), equals: .refused(retryAfter: .seconds(1)), "at 9 s, the sixth")
            clock.advance(by: .seconds(1))
            try expect(try await limiter.admit("a"), equals: .admitted, "at 10 s")
            try expect(try await limiter.admit("a"), equals: .refused(retryAfter: .seconds(9)), "at 10 s, the second")
        },
        Check("whenever requests come, never more than the rate allows in any window, and never fewer") { suite in
            for seed in 0..<UInt64(20) {
                var random = SeededRandom(seed)
                let (count, period) = (Int.random(in: 1...9, using: &random), TestTime.short / 2)
                let rate = try require(Rate(count, per: period), "a rate")
                let (limiter, time) = try await suite.make(rate)
                var oracle = SlidingOracle(rate: rate, slack: time.manual == nil ? .milliseconds(2) : .zero)
                for _ in 0..<(time.manual == nil ? 12 * count : 400) {
                    let earliest = time.clock.uptime
                    let decision = try await limiter.admit("a")
                    try oracle.judge(decision, earliest, time.clock.uptime)
                    // Rushes, pauses, and coming back a little early, in time, or late.
                    var gap = Duration.milliseconds(Int.random(in: 0...(40 / count + 1), using: &random))
                    if case .refused(let wait) = decision, Bool.random(using: &random) {
                        gap = max(.zero, wait + .milliseconds(Int.random(in: -1...1, using: &random)))
                    }
                    if let clock = time.manual { clock.advance(by: gap) } else { try await time.clock.sleep(for: gap) }
                }
                if time.manual == nil, seed == 3 { break }
            }
        },
        rule("a long quiet time saves nothing up", 3, per: TestTime.short) { limiter, time in
            for _ in 1...2 {
                let start = time.clock.uptime
                for turn in 1...3 { try expect(try await limiter.admit("a"), equals: .admitted, "request \(turn)") }
                let refused = try await limiter.admit("a") != .admitted
                try expect(refused || time.since(start) >= TestTime.short, "a fourth")
                try await time.pass(TestTime.short * 4)
            }
        },
        rule("a jump of the wall clock admits nobody and locks nobody out", 2, per: .seconds(10)) { limiter, time in
            guard let clock = time.manual else { return }
            for jump in [Duration.seconds(86_400), .seconds(-86_400 * 3)] {
                for _ in 1...2 { try expect(try await limiter.admit("a"), equals: .admitted, "before the jump") }
                clock.jump(by: jump)
                try expect(try await limiter.admit("a"), equals: .refused(retryAfter: .seconds(10)), "after \(jump)")
                clock.advance(by: .seconds(10))
            }
        },
        rule("the slowest rate holds for a day", 1000, per: .seconds(86_400)) { limiter, _ in
            for _ in 1...1000 { try expect(try await limiter.admit("a"), equals: .admitted, "one of a thousand") }
            try expect(try await limiter.admit("a") != .admitted, "one more is admitted")
        },
    ]

    private static let crowds: [Check] = [
        rule("a thousand requests of one key at once: as many as the rate allows", 100, per: .seconds(60)) {
            limiter,
            _ in
            let decisions = try await together(1000) { _ in try await limiter.admit("a") }
            try expect(decisions.filter { $0 == .admitted }.count, equals: 100, "admitted")
        },
        rule("a crowd of many keys at once: each its share", 2, per: .seconds(60)) { limiter, _ in
            let decisions = try await together(1000) { index in try await limiter.admit("key-\(index % 200)") }
            for key in 0..<200 {
                let own = stride(from: key, to: 1000, by: 200).map { decisions[$0] }
                try expect(own.filter { $0 == .admitted }.count, equals: 2, "admitted of one key")
            }
        },
    ]
}

/// The definition of a sliding window, as slow and plain as it is: remembers everything.
///
/// Of each decision it knows the earliest and the latest moment at which it can have been made, and objects only to
/// what no moment in between excuses. Under a manual clock the two are one.
private struct SlidingOracle {
    let rate: Rate
    let slack: Duration
    private var admitted: [(earliest: Duration, latest: Duration)] = []

    init(rate: Rate, slack: Duration) {
        self.rate = rate
        self.slack = slack
    }

    mutating func judge(_ decision: RateDecision, _ earliest: Duration, _ latest: Duration) throws {
        let blocking = admitted.count >= rate.count ? admitted[admitted.count - rate.count] : nil
        switch decision {
        case .admitted:
            if let blocking {
                let gap = latest - blocking.earliest + slack
                try expect(gap >= rate.period, "\(rate.count + 1) admitted within \(gap), at \(earliest)")
            }
            admitted.append((earliest, latest))
        case .refused(let wait):
            guard let blocking, earliest - blocking.latest - slack < rate.period else {
                throw Violation("refused at \(earliest) although there is room", #fileID, #line)
            }
            let least = blocking.earliest + rate.period - latest - slack
            let most = blocking.latest + rate.period - earliest + slack
            try expect(wait >= least && wait <= most, "told to wait for \(wait), not \(least) to \(most)")
        }
    }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite struct BrokenRateLimiterTests {
    private static let edges = "no burst across the edge of a window, wherever the window begins"

    /// A counter that begins anew with every period.
    private actor FixedWindows: RateLimiter {
        private let rate: Rate
        private let clock: any SaleClock
        private var counts: [[String]: Int] = [:]

        init(_ rate: Rate, _ clock: any SaleClock) { (self.rate, self.clock) = (rate, clock) }

        func admit(_ key: String) -> RateDecision {
            let window = Int(clock.uptime / rate.period)
            counts[[key, "\(window)"], default: 0] += 1
            if counts[[key, "\(window)"]]! <= rate.count { return .admitted }
            return .refused(retryAfter: rate.period * (window + 1) - clock.uptime)
        }
    }

    @Test func fixedWindows() async throws {
        let suite = RateLimiterConformance { FixedWindows($0, $1) }
        try await expect(suite, breaks: Self.edges)
        let always = "whenever requests come, never more than the rate allows in any window, and never fewer"
        try await expect(suite, breaks: always)
    }

    /// Admits one more for every part of the period that passes.
    private actor TokenBucket: RateLimiter {
        private let rate: Rate
        private let clock: any SaleClock
        private var fullAt: [String: Duration] = [:]

        init(_ rate: Rate, _ clock: any SaleClock) { (self.rate, self.clock) = (rate, clock) }

        func admit(_ key: String) -> RateDecision {
            let now = clock.uptime
            let cost = rate.period / rate.count
            let full = max(fullAt[key] ?? now, now) + cost
            if full - now > rate.period { return .refused(retryAfter: full - now - rate.period) }
            fullAt[key] = full
            return .admitted
        }
    }

    @Test func tokenBucket() async throws {
        let suite = RateLimiterConformance { TokenBucket($0, $1) }
        try await expect(suite, breaks: "room comes back as requests grow old, not bit by bit")
        try await expect(suite, breaks: Self.edges)
    }

    /// A log with what a hurried author leaves out.
    private actor Log: RateLimiter {
        enum Mistake {
            case none, countsRefusals, readsWallClock, looksThenWrites, roundsTheWait, joinsKeys, refusesWhenFull
        }

        private let rate: Rate
        private let clock: any SaleClock
        private let mistake: Mistake
        private var logs: [[UInt8]: [Duration]] = [:]

        init(_ rate: Rate, _ clock: any SaleClock, _ mistake: Mistake) {
            (self.rate, self.clock, self.mistake) = (rate, clock, mistake)
        }

        func admit(_ key: String) async -> RateDecision {
            let key = Array((mistake == .joinsKeys ? key.lowercased() : key).utf8)
            let now = mistake == .readsWallClock ? .milliseconds(clock.now.milliseconds) : clock.uptime
            let log = logs[key, default: []].filter { now - $0 < rate.period }
            if mistake == .looksThenWrites { await Task.yield() }
            guard log.count >= rate.count else {
                if mistake == .refusesWhenFull, logs[key] == nil, logs.count >= 200 {
                    return .refused(retryAfter: rate.period)
                }
                logs[key] = log + [now]
                return .admitted
            }
            if mistake == .countsRefusals { logs[key] = Array((log + [now]).suffix(rate.count)) }
            let wait = log[0] + rate.period - now
            return .refused(retryAfter: mistake == .roundsTheWait ? .seconds(wait.components.seconds + 1) : wait)
        }
    }

    @Test func mistakes() async throws {
        func suite(_ mistake: Log.Mistake) -> RateLimiterConformance {
            RateLimiterConformance { Log($0, $1, mistake) }
        }
        try await expect(suite(.countsRefusals), breaks: "refusals count for nothing")
        let jump = "a jump of the wall clock admits nobody and locks nobody out"
        try await expect(suite(.readsWallClock), breaks: jump)
        let crowd = "a thousand requests of one key at once: as many as the rate allows"
        try await expect(suite(.looksThenWrites), breaks: crowd)
        try await expect(suite(.roundsTheWait), breaks: "a refused caller may come back exactly when it was told")
        try await expect(suite(.joinsKeys), breaks: "keys do not share, and are told apart by bytes")
    }

    @Test func withoutItsMistakeItIsRight() async throws {
        try await RateLimiterConformance { Log($0, $1, .none) }.run()
    }

    @Test func lockOut() async throws {
        let suite = RateLimiterConformance(limit: 200) { Log($0, $1, .refusesWhenFull) }
        let full = "a full limiter forgets whom it admitted longest ago, and keeps nobody new out"
        try await expect(suite, breaks: full)
    }
}

@Suite struct BrokenSessionStoreTests {
    private actor Sessions: SessionStore {
        enum Mistake {
            case none, refreshShortens, refreshResurrects, refreshWakesTheDead, lookingExtends, oneEach, endsLate
            case manyEach, noBound, oldestGoes
        }

        private static let limit = 200

        private let clock: any SaleClock
        private let mistake: Mistake
        private let random = SeededRandom(1)
        private var sessions: [SessionToken: Session] = [:]
        /// In the order of their creation.
        private var tokens: [SessionToken] = []
        /// In the order of their last use.
        private var used: [SessionToken] = []

        init(_ clock: any SaleClock, _ mistake: Mistake) { (self.clock, self.mistake) = (clock, mistake) }

        func create(for user: UserID, lifetime: Duration) -> SessionToken {
            if mistake == .oneEach { sessions = sessions.filter { $0.value.user != user } }
            tokens.removeAll { sessions[$0].map { $0.expiresAt <= clock.now } ?? true }
            sessions = sessions.filter { $0.value.expiresAt > clock.now }
            used.removeAll { sessions[$0] == nil }
            let own = tokens.filter { sessions[$0]?.user == user }
            if mistake != .manyEach, own.count >= 10 { revoke(own[0]) }
            if mistake != .noBound, sessions.count >= Self.limit {
                let unused = mistake == .oldestGoes ? nil : tokens.first { !used.contains($0) }
                revoke(unused ?? (mistake == .oldestGoes ? tokens[0] : used[0]))
            }
            let token = SessionToken.mint(from: random)
            sessions[token] = Session(user: user, expiresAt: clock.now + lifetime)
            tokens.append(token)
            return token
        }

        func occupancy() -> Occupancy { Occupancy(count: sessions.count, limit: Self.limit) }

        func look(up token: SessionToken) -> Session? {
            let late: Duration = mistake == .endsLate ? .milliseconds(1) : .zero
            guard let session = sessions[token], session.expiresAt + late > clock.now else { return nil }
            if !used.contains(token) { used.append(token) }
            if mistake == .lookingExtends { sessions[token]?.expiresAt = session.expiresAt + .milliseconds(1) }
            return session
        }

        func refresh(_ token: SessionToken, lifetime: Duration) async -> Session? {
            guard var session = mistake == .refreshWakesTheDead ? sessions[token] : look(up: token) else { return nil }
            if mistake == .refreshResurrects { await Task.yield() }
            let end = clock.now + lifetime
            session.expiresAt = mistake == .refreshShortens ? end : max(session.expiresAt, end)
            sessions[token] = session
            used.removeAll { $0 == token }
            used.append(token)
            return session
        }

        func revoke(_ token: SessionToken) {
            sessions[token] = nil
            tokens.removeAll { $0 == token }
            used.removeAll { $0 == token }
        }
    }

    @Test func mistakes() async throws {
        func suite(_ mistake: Sessions.Mistake) -> SessionStoreConformance {
            SessionStoreConformance(limit: 200) { Sessions($0, mistake) }
        }
        try await suite(.none).run()
        try await expect(suite(.refreshShortens), breaks: "refreshing slides the end, and never brings it nearer")
        let back = "a refresh at the same moment does not bring a revoked session back"
        try await expect(suite(.refreshResurrects), breaks: back)
        try await expect(suite(.refreshResurrects), breaks: "of many refreshes at once the longest holds")
        try await expect(suite(.refreshWakesTheDead), breaks: "a session that is over cannot be refreshed")
        try await expect(suite(.lookingExtends), breaks: "looking does not make a session last longer")
        try await expect(suite(.oneEach), breaks: "each login makes another session, and one does not end the other")
        try await expect(suite(.endsLate), breaks: "a session lasts for its lifetime, and no longer")
        let many = "a user has ten sessions: with one more the oldest ends, however it is used, and none of others"
        try await expect(suite(.manyEach), breaks: many)
        let full = "a full store refuses nobody: sessions that were never used end, the oldest first"
        try await expect(suite(.noBound), breaks: full)
        try await expect(suite(.oldestGoes), breaks: full)
    }
}

@Suite struct BrokenPageCacheTests {
    private actor Pages: PageCache {
        enum Mistake { case none, neverStale, neverGone, keepsOldTimes, invalidatesLater }

        private let clock: any SaleClock
        private let mistake: Mistake
        private var entries: [[UInt8]: (page: Page, freshUntil: Duration, keptUntil: Duration)] = [:]

        init(_ clock: any SaleClock, _ mistake: Mistake) { (self.clock, self.mistake) = (clock, mistake) }

        func get(_ key: String) -> CachedPage? {
            guard let entry = entries[Array(key.utf8)] else { return nil }
            if clock.uptime >= entry.keptUntil, mistake != .neverGone { return nil }
            return CachedPage(
                page: entry.page,
                isStale: mistake != .neverStale && clock.uptime >= entry.freshUntil
            )
        }

        func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) {
            let key = Array(key.utf8)
            let fresh = clock.uptime + freshFor
            if mistake == .keepsOldTimes, entries[key] != nil {
                entries[key]?.page = page
            } else {
                entries[key] = (page, fresh, fresh + staleFor)
            }
        }

        func invalidate(_ key: String) {
            if mistake == .invalidatesLater {
                entries[Array(key.utf8)]?.keptUntil = clock.uptime + .milliseconds(1)
            } else {
                entries[Array(key.utf8)] = nil
            }
        }
    }

    @Test func mistakes() async throws {
        func suite(_ mistake: Pages.Mistake) -> PageCacheConformance { PageCacheConformance { Pages($0, mistake) } }
        try await suite(.none).run()
        try await expect(suite(.neverStale), breaks: "a page is fresh, then stale, then gone")
        try await expect(suite(.neverGone), breaks: "a page is fresh, then stale, then gone")
        let anew = "a page put again replaces the old one, and its times begin anew"
        try await expect(suite(.keepsOldTimes), breaks: anew)
        let gone = "an invalidated page is gone at once, and can be put again"
        try await expect(suite(.invalidatesLater), breaks: gone)
    }
}

@Suite struct BrokenChallengeTests {
    private actor Sums: Challenge {
        enum Mistake { case none, manyTries, anySession, looksThenDeletes, noEnd, manyAnswers, manyQuestions }

        nonisolated let kind = "captcha"
        private let clock: any SaleClock
        private let mistake: Mistake
        private var next = 0
        private var open: [String: (session: SessionToken, triesLeft: Int, until: Duration)] = [:]

        init(_ clock: any SaleClock, _ mistake: Mistake) { (self.clock, self.mistake) = (clock, mistake) }

        func issue(to session: SessionToken) -> ChallengePrompt {
            next += 1
            let own = open.filter { $0.value.session == session }.keys.compactMap { Int($0) }
            if mistake != .manyQuestions, own.count == 16, let first = own.min() { open["\(first)"] = nil }
            open["\(next)"] = (session, 3, clock.uptime + .seconds(120))
            return ChallengePrompt(id: "\(next)", fields: [:])
        }

        func verify(_ answer: String, to id: String, from session: SessionToken) async -> Bool {
            guard let question = open[id] else { return false }
            if mistake != .anySession, question.session != session { return false }
            if mistake != .noEnd, clock.uptime >= question.until { return false }
            if mistake != .manyTries { open[id]?.triesLeft -= 1 }
            let isRight = answer == String(1 + Int(id)!)
            if mistake == .looksThenDeletes { await Task.yield() }
            if question.triesLeft == 1 || (isRight && mistake != .manyAnswers) { open[id] = nil }
            return isRight
        }

        @Sendable static func solve(_ prompt: ChallengePrompt) -> String { String(1 + Int(prompt.id)!) }
    }

    @Test func mistakes() async throws {
        func suite(_ mistake: Sums.Mistake) -> ChallengeConformance {
            ChallengeConformance(lifetime: .seconds(120), solve: Sums.solve) { Sums($0, mistake) }
        }
        try await suite(.none).run()
        try await expect(suite(.manyTries), breaks: "three wrong answers use the question up")
        try await expect(suite(.anySession), breaks: "a question is its session's")
        try await expect(suite(.looksThenDeletes), breaks: "of many right answers at once one is right")
        try await expect(suite(.noEnd), breaks: "a question is answered in time or not at all")
        try await expect(suite(.manyAnswers), breaks: "a right answer is right once")
        try await expect(
            suite(.manyQuestions),
            breaks: "a session has few questions open, its latest among them, and takes none from others"
        )
        let unbounded = ChallengeConformance(lifetime: .seconds(120), limit: 100, solve: Sums.solve) { Sums($0, .none) }
        try await expect(unbounded, breaks: "a full challenge forgets its oldest question, and refuses nobody")
    }
}

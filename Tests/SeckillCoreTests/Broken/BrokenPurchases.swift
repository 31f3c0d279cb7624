import SeckillCore
import SeckillTesting
import Testing

@Suite struct BrokenPurchaseStoreTests {
    enum Mistake: CaseIterable {
        case countsFirst, forgetsTheOwner, comparesCharacters, reservesFirst, countsRefusals, refreshes, skipsTheLimit
        case looksAtTheStockFirst, forgetsTheVersion, remembersSessions, ignoresTheEpoch

        /// The rule that it breaks.
        var rule: String {
            switch self {
            case .countsFirst: "who has no session buys nothing and is not counted"
            case .forgetsTheOwner: "another's session buys nothing, and neither is counted"
            case .comparesCharacters: "users that look alike are told apart"
            case .reservesFirst: "as many as the rate allows are decided; others reserve nothing and count for nothing"
            case .countsRefusals: "requests that the limiter admitted and purchases count together"
            case .refreshes: "a purchase leaves its session as it is"
            case .skipsTheLimit: "a hundred purchases of one user at once: as many as the rate allows are decided"
            case .looksAtTheStockFirst: "the session comes before the rate, and the rate before the stock"
            case .forgetsTheVersion: "whatever the stock decides is passed on, and counts"
            case .remembersSessions: "season 1 of logins, purchases, returns and closures goes as step by step"
            case .ignoresTheEpoch: "a sale that is distrusted sells nothing until it is installed again"
            }
        }
    }

    /// Purchases with what a hurried author does wrong.
    private actor Purchases: PurchaseStore {
        let sessions: any SessionStore
        let limiter: (any RateLimiter)?
        let stock: any StockStore
        let mistake: Mistake
        private var known: [SessionToken: Session] = [:]
        private var decided: [OrderID: ReserveOutcome] = [:]

        init(_ sessions: any SessionStore, _ limiter: (any RateLimiter)?, _ stock: any StockStore, _ mistake: Mistake) {
            (self.sessions, self.limiter, self.stock, self.mistake) = (sessions, limiter, stock, mistake)
        }

        func purchase(_ order: OrderID, for user: UserID, in token: SessionToken) async throws -> PurchaseAnswer {
            if mistake == .countsFirst { _ = try await limiter?.admit(user.text) }
            if mistake == .reservesFirst { decided[order] = try await stock.reserve(order, for: user) }
            guard let session = try await session(token) else { return .noSession }
            guard isOwner(session.user, user) else { return .anotherUser(session) }
            if mistake == .looksAtTheStockFirst {
                let outcome = try await stock.reserve(order, for: user)
                if case .paused = outcome { return .decided(session, outcome) }
            }
            if mistake != .countsFirst, let limiter, case .refused(let wait) = try await limiter.admit(user.text),
                mistake != .skipsTheLimit
            {
                return .rateLimited(session, retryAfter: wait)
            }
            if mistake == .countsRefusals { _ = try await limiter?.admit(user.text) }
            if let outcome = decided[order] { return .decided(session, outcome) }
            return .decided(session, try await reserve(order, user))
        }

        private func session(_ token: SessionToken) async throws -> Session? {
            if mistake == .remembersSessions, let session = known[token] { return session }
            if mistake == .refreshes { return try await sessions.refresh(token, lifetime: .seconds(3600)) }
            let session = try await sessions.look(up: token)
            known[token] = session
            return session
        }

        private func isOwner(_ user: UserID, _ claimed: UserID) -> Bool {
            switch mistake {
            case .forgetsTheOwner: true
            case .comparesCharacters: user.text == claimed.text
            default: user == claimed
            }
        }

        private func reserve(_ order: OrderID, _ user: UserID) async throws -> ReserveOutcome {
            do {
                let outcome = try await stock.reserve(order, for: user)
                if mistake == .forgetsTheVersion, case .soldOut = outcome { return .soldOut(version: 0) }
                return outcome
            } catch {
                if mistake == .ignoresTheEpoch { return .soldOut(version: 0) }
                throw error
            }
        }
    }

    @Test(arguments: Mistake.allCases)
    func isNoticed(_ mistake: Mistake) async throws {
        let suite = PurchaseStoreConformance { rate, clock in
            let sessions = MemorySessionStore(clock: clock)
            let limiter = rate.map { MemoryRateLimiter($0, clock: clock) }
            let stock = MemoryStockStore(clock: clock)
            let purchases = Purchases(sessions, limiter, stock, mistake)
            return .init(purchases, sessions: sessions, limiter: limiter, stock: stock)
        }
        try await expect(suite, breaks: mistake.rule)
    }
}

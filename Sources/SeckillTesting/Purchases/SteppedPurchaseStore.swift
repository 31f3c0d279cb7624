package import SeckillCore

/// Session, limit and stock, one after the other: what a purchase store must not be told apart from.
package struct SteppedPurchaseStore: PurchaseStore {
    let sessions: any SessionStore
    let limiter: (any RateLimiter)?
    let stock: any StockStore

    package init(sessions: any SessionStore, limiter: (any RateLimiter)?, stock: any StockStore) {
        self.sessions = sessions
        self.limiter = limiter
        self.stock = stock
    }

    package func purchase(
        _ order: OrderID,
        for user: UserID,
        in token: SessionToken
    ) async throws -> PurchaseAnswer {
        guard let session = try await sessions.look(up: token) else { return .noSession }
        guard session.user == user else { return .anotherUser(session) }
        if let limiter, case .refused(let wait) = try await limiter.admit(user.text) {
            return .rateLimited(session, retryAfter: wait)
        }
        return .decided(session, try await stock.reserve(order, for: user))
    }
}

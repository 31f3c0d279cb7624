/// Session, rate limit and reservation in one step: a capability of stores that are asked over a network, where it turns
/// three waits into one.
///
/// It works on the same sessions, counts and stock as a ``SessionStore``, a ``RateLimiter`` and a ``StockStore``, and
/// what it answers and changes is what they would, one after the other: only the waits between them are gone.
///
/// **Atomicity**: one step; nothing happens between the look at the session and the reservation. **Idempotency**: as
/// ``StockStore/reserve(_:for:)``, by order; every call that gets past the session counts towards the rate.
/// **Errors**: those of the three. `unavailable` and `overloaded` mean that nothing is reserved, though the request may
/// have been counted; `outcomeUnknown`, that it may be, and repeating the call with the same order is safe.
/// **Cancellation**: a cancelled caller stops waiting; what it asked for may still happen, exactly once. **Cost**: one
/// round trip, also for refusals.
public protocol PurchaseStore: Sendable {
    /// Takes one unit for `order`, which was minted for `user`, if `session` is good and theirs and the rate allows.
    ///
    /// In this order: no good session, ``PurchaseAnswer/noSession``; another user's,
    /// ``PurchaseAnswer/anotherUser(_:)``; neither counts towards anybody's rate. Then one request of `user` is counted,
    /// or ``PurchaseAnswer/rateLimited(_:retryAfter:)``, which reserves nothing. Then the unit is taken by the contract
    /// of ``StockStore/reserve(_:for:)``. The session is used, not refreshed; the answer says when it ends.
    func purchase(_ order: OrderID, for user: UserID, in session: SessionToken) async throws -> PurchaseAnswer
}

/// What ``PurchaseStore/purchase(_:for:in:)`` decided, with the session where there is one.
public enum PurchaseAnswer: Hashable, Sendable {
    /// The session is over or unknown.
    case noSession
    /// The session is good, and somebody else's.
    case anotherUser(Session)
    /// Too many requests: not counted, not reserved.
    case rateLimited(Session, retryAfter: Duration)
    /// Counted, and this is what the stock store decided.
    case decided(Session, ReserveOutcome)

    /// The session, if it is good.
    public var session: Session? {
        switch self {
        case .noSession: nil
        case .anotherUser(let session), .rateLimited(let session, _), .decided(let session, _): session
        }
    }
}

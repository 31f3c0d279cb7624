/// A purchase link: the right of one user to one order.
public struct PurchaseLink: Hashable, Sendable {
    /// The order it buys. The id is good before, during and after the purchase.
    public var order: OrderID
    /// The secret part of the link's address.
    public var token: String
    /// When it stops selling.
    public var expiresAt: Timestamp
}

/// What became of a login.
public enum LoginOutcome: Hashable, Sendable {
    /// The secret of the new session.
    case granted(SessionToken)
    /// No session, and why: too many logins of this client, or the session store cannot be asked.
    case refused(Refusal)
}

/// What became of a request for a challenge.
public enum ChallengeOutcome: Hashable, Sendable {
    /// The question.
    case granted(ChallengePrompt)
    /// No question, and why.
    case refused(Refusal)
}

/// What became of a request for a purchase link.
public enum LinkOutcome: Sendable {
    /// Here it is.
    case granted(PurchaseLink)
    /// No link, and why.
    case refused(Refusal)
}

/// What became of a purchase.
public enum PurchaseOutcome: Sendable {
    /// A unit is held: this order, as it stands. The same on every repeat.
    case accepted(Order)
    /// Not now, and why. Says nothing of what an earlier request with the same link did: where the link's signature is
    /// good, `order` is where to look.
    case refused(Refusal, order: OrderID?)
}

/// How far a purchase gets without waiting.
public enum PurchaseStart: Sendable {
    /// To its end.
    case decided(PurchaseOutcome)
    /// As far as this: the rest is ``FlashSale/finish(_:)``.
    case undecided(PurchaseAttempt)
}

/// A purchase that has been begun.
public struct PurchaseAttempt: Sendable {
    let token: String
    let sale: SaleID
    let caller: FlashSale.Caller
    let startedAt: Duration
    /// What the link is good for, if it has been checked.
    var link: (order: OrderID, user: UserID)?
}

/// Why somebody was turned away, in the order in which the funnel asks.
public enum Refusal: Hashable, Sendable {
    /// No such sale.
    case noSale
    /// Forged, altered, of another sale or another user's.
    case badLink
    /// The link's time, or its epoch, is over.
    case linkExpired
    /// Nobody is logged in.
    case noSession
    /// The challenge was not answered rightly.
    case challengeFailed
    /// Too many requests; come back after this long.
    case rateLimited(retryAfter: Duration)
    /// All units are taken. Some may come back.
    case soldOut
    /// The user holds as many as the sale allows.
    case limitReached
    /// Not yet.
    case notOpen(opensAt: Timestamp)
    /// Paused by the operator.
    case paused
    /// Over.
    case closed
    /// Could not be decided; nothing is known to have happened, except as the order says.
    case unavailable(retryAfter: Duration)
}

/// A sale as anybody may see it.
public struct SaleStatus: Hashable, Sendable {
    /// Where a sale stands.
    public enum State: String, Sendable, CaseIterable {
        /// Opens later.
        case scheduled
        /// Sells.
        case open
        /// Paused by the operator.
        case paused
        /// Sells nothing until a unit comes back.
        case soldOut = "sold_out"
        /// The stock store is being rebuilt; wait.
        case rebuilding
        /// Over.
        case closed
    }

    /// The ledger's record.
    public var record: SaleRecord
    /// The stock store's snapshot; nil while it cannot vouch for the sale.
    public var stock: StockSnapshot?
    /// Where it stands.
    public var state: State
    /// When this was seen, by the library's clock.
    public var seenAt: Timestamp
}

/// Everything an operator may see of a sale.
public struct SaleReport: Hashable, Sendable {
    /// As anybody sees it.
    public var status: SaleStatus
    /// The ledger's sums.
    public var totals: SaleTotals
}

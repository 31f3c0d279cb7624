/// An order as its buyer may see it.
public struct Order: Hashable, Sendable {
    /// Its id, which names the sale.
    public var id: OrderID
    /// Whose it is.
    public var user: UserID
    /// Where it stands.
    public var status: OrderStatus
    /// Its place in line within the sale's epoch; 0 where nothing remembers it (a lost order).
    public var sequence: Int
    /// The moment by which it must be paid; only while awaiting payment and after.
    public var payBy: Timestamp?
    /// Why it was rejected; only when it was.
    public var reason: RejectionReason?

    /// An order.
    public init(
        id: OrderID,
        user: UserID,
        status: OrderStatus,
        sequence: Int,
        payBy: Timestamp? = nil,
        reason: RejectionReason? = nil
    ) {
        self.id = id
        self.user = user
        self.status = status
        self.sequence = sequence
        self.payBy = payBy
        self.reason = reason
    }
}

/// The life of an order. Only `queued` has no ledger row; `paid`, `expired`, `cancelled` and `rejected` are final.
public enum OrderStatus: String, Hashable, Sendable, CaseIterable {
    /// A unit is held, the ledger does not know yet.
    case queued
    /// In the ledger, a unit is held until the deadline.
    case awaitingPayment = "awaiting_payment"
    /// Bought.
    case paid
    /// Not paid in time; the unit goes back.
    case expired
    /// Given up by its buyer; the unit goes back.
    case cancelled
    /// Not honoured, for a ``RejectionReason``.
    case rejected

    /// Whether the order holds a unit and counts towards its user's limit.
    public var isLive: Bool { self == .queued || self == .awaitingPayment || self == .paid }
}

/// Why an acknowledged order came to nothing.
public enum RejectionReason: String, Hashable, Sendable, CaseIterable {
    /// The store lost it, or it came from an epoch that is over.
    case lost
    /// The ledger, the last guard, had no unit left for it.
    case soldOut = "sold_out"
    /// The ledger found its user over the limit.
    case limitReached = "limit_reached"
    /// It could not be recorded after repeated deliveries.
    case undeliverable
}

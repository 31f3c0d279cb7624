/// What ``StockStore/claim(_:identity:lifetime:)`` found.
public enum ClaimOutcome: Hashable, Sendable {
    /// The store holds what the ledger says, and sells.
    case current
    /// Another rebuild is under way, or the store's identity has changed: start over later.
    case busy
    /// The sale is closed and may be rebuilt under this lease.
    case claimed(StockClaim)
    /// The store is in a later epoch than the record, or knows more recorded orders than the record counts: the record
    /// is out of date, or the ledger went back. Nothing changed.
    case ahead(epoch: Int, orders: Int)
    /// The store holds the sale of another ledger. Nothing changed.
    case foreign(LedgerID)
}

/// The right to rebuild one sale: a lease, which runs out unless it is renewed.
public struct StockClaim: Hashable, Sendable {
    /// The sale.
    public var sale: SaleID
    /// Distinguishes this lease from every other.
    public var token: String
    /// The identity of the store that gave it.
    public var identity: StoreIdentity
    /// The epoch that the store's sale was in, whose outbox is to be drained; 0 if the store had no such sale.
    public var epoch: Int

    /// A lease on `sale`.
    public init(sale: SaleID, token: String, identity: StoreIdentity, epoch: Int) {
        self.sale = sale
        self.token = token
        self.identity = identity
        self.epoch = epoch
    }
}

/// Some of the reservations in an outbox.
public struct DrainPage: Hashable, Sendable {
    /// Reservations in the order in which they were made.
    public var reservations: [Reservation]
    /// Where the next page begins; nil if there is none.
    public var next: String?

    /// A page.
    public init(_ reservations: [Reservation], next: String?) {
        self.reservations = reservations
        self.next = next
    }
}

/// Some of the orders that a store has reserved in an epoch.
public struct OrderKeyPage: Hashable, Sendable {
    /// The ``OrderID/key`` of each order, in no particular order. Some may come twice.
    public var keys: [UInt64]
    /// Where the next page begins; nil if there is none.
    public var next: String?

    /// A page.
    public init(_ keys: [UInt64], next: String?) {
        self.keys = keys
        self.next = next
    }
}

/// What a rebuild writes into a stock store, as the ledger says it.
public struct InstalledStock: Hashable, Sendable {
    /// When the sale sells, whether it does, and how many units one user may hold.
    public var terms: SaleTerms
    /// The new epoch.
    public var epoch: Int
    /// Units to sell: the stock minus the live orders.
    public var remaining: Int
    /// Live orders of each user who has any.
    public var held: [UserID: Int]
    /// Rows that the ledger has of the sale, of every epoch. The store keeps the number, so that it can tell later that
    /// a ledger has lost rows.
    public var orders: Int

    /// Stock to install.
    public init(terms: SaleTerms, epoch: Int, remaining: Int, held: [UserID: Int], orders: Int = 0) {
        self.terms = terms
        self.epoch = epoch
        self.remaining = remaining
        self.held = held
        self.orders = orders
    }
}

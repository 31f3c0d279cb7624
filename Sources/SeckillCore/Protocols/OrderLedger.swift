/// The truth about sales and orders: what is in it happened, and it alone says in which epoch a sale is.
///
/// Every method is one transaction, durable when it returns. Several processes may share a ledger.
/// **Errors**: `unavailable` (full, locked, gone: nothing happened), `outcomeUnknown` (a commit whose end was not
/// seen), `invalid` (this input can never be recorded). Every write is idempotent, so repeating one after any error is
/// safe. **Cancellation** does not undo a transaction that has begun. Time is passed in, never read.
public protocol OrderLedger: Sendable {
    // MARK: Sales

    /// Adds a sale in epoch 0. The same declaration again is `existing`, another under the same id `conflict`.
    func create(_ sale: Sale) async throws -> CreateSaleOutcome

    /// One sale.
    func sale(_ id: SaleID) async throws -> SaleRecord?

    /// All sales, by id.
    func sales() async throws -> [SaleRecord]

    /// Turns the operator's switch and raises the revision, unless it stands there already. `closed` stays closed.
    /// Nil if there is no such sale.
    func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord?

    /// Adds units and writes the return that brings them to the store. `id` makes a repeat harmless. Nil if there is no
    /// such sale. A total above 10^9 is `invalid`.
    func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord?

    // MARK: Orders

    /// Records reservations: the last guard. One result per reservation, in order.
    ///
    /// For each, in order: an order that has a row keeps it; one of an older epoch than its sale becomes
    /// `rejected(lost)` without a return; one over the stock or its user's limit becomes `rejected`, with a return for
    /// the unit that the store gave it; any other awaits payment until `now` plus the sale's window. An order of a
    /// later epoch than its sale, or of a sale that does not exist, makes the whole batch `invalid`.
    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order]

    /// Records as rejected what cannot be recorded otherwise, with a return for the unit unless its epoch is over.
    /// An order that has a row keeps it.
    func reject(_ reservation: Reservation, because reason: RejectionReason, at now: Timestamp) async throws -> Order

    /// Marks an order paid if it awaits payment and `now` is before its deadline. Repeating is `done`.
    func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome

    /// Cancels an order if it awaits payment, and writes the return of its unit. Repeating is `done`.
    func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome

    /// Expires up to `limit` orders whose deadline is `now` or earlier, oldest deadline first, and writes their
    /// returns. The orders that this call expired; fewer than `limit` means that none are left.
    func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order]

    /// What one read says of an order: its row, and its sale's epoch at the same instant.
    func lookUp(_ order: OrderID) async throws -> LedgerAnswer

    /// A user's orders, newest first, at most `limit`.
    func orders(of user: UserID, limit: Int) async throws -> [Order]

    // MARK: Returns

    /// Up to `limit` returns that are still to be made, oldest first, without those of `sales`.
    func openReturns(limit: Int, except sales: Set<SaleID>) async throws -> [StockReturn]

    /// Marks returns as made. Idempotent.
    func closeReturns(_ returns: [StockReturn]) async throws

    // MARK: The fence

    /// Step (d) of a rebuild: if the sale is in `epoch`, raises it by one, marks every open return of the sale as
    /// absorbed, and reads what the store is to hold. Nil if the sale is in another epoch.
    func beginEpoch(after epoch: Int, of sale: SaleID) async throws -> InstalledStock?

    // MARK: Audit

    /// What a sale's rows add up to. Nil if there is no such sale.
    func totals(of sale: SaleID) async throws -> SaleTotals?
}

extension OrderLedger {
    /// Up to `limit` returns that are still to be made, oldest first.
    public func openReturns(limit: Int) async throws -> [StockReturn] {
        try await openReturns(limit: limit, except: [])
    }
}

/// What ``OrderLedger/create(_:)`` found.
public enum CreateSaleOutcome: Hashable, Sendable {
    /// The sale is new.
    case created(SaleRecord)
    /// It was there, declared alike.
    case existing(SaleRecord)
    /// It was there, declared otherwise; nothing changed.
    case conflict(SaleRecord)
}

/// What became of a payment or cancellation.
public enum SettleOutcome: Hashable, Sendable {
    /// The order is now in the state asked for, by this call or an earlier one.
    case done(Order)
    /// It is in another final state, or its deadline has passed.
    case refused(Order)
    /// The ledger has no row for it.
    case unknown
}

/// One read of an order and its sale's epoch.
public struct LedgerAnswer: Hashable, Sendable {
    /// The row, if there is one.
    public var order: Order?
    /// The epoch of the order's sale; nil if there is no such sale.
    public var epoch: Int?

    /// An answer.
    public init(order: Order?, epoch: Int?) {
        self.order = order
        self.epoch = epoch
    }
}

/// What the ledger's rows of one sale add up to. Units and orders are the same number: one order is one unit.
public struct SaleTotals: Hashable, Sendable {
    /// Units in all.
    public var stock: Int
    /// Orders awaiting payment.
    public var awaiting: Int
    /// Orders paid.
    public var paid: Int
    /// Orders expired.
    public var expired: Int
    /// Orders cancelled.
    public var cancelled: Int
    /// Orders rejected, whatever the reason.
    public var rejected: Int
    /// Of those rejected, the ones that were undeliverable.
    public var deadLettered: Int
    /// Units of returns still to be made.
    public var returning: Int

    /// Totals.
    public init(
        stock: Int,
        awaiting: Int = 0,
        paid: Int = 0,
        expired: Int = 0,
        cancelled: Int = 0,
        rejected: Int = 0,
        deadLettered: Int = 0,
        returning: Int = 0
    ) {
        self.stock = stock
        self.awaiting = awaiting
        self.paid = paid
        self.expired = expired
        self.cancelled = cancelled
        self.rejected = rejected
        self.deadLettered = deadLettered
        self.returning = returning
    }
}

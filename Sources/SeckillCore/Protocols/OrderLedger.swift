/// The source of truth for sales and orders. Only the ledger assigns a sale's epoch, and only it names the store that may
/// hold a sale.
///
/// Every method is one transaction, durable when it returns. Several processes may share a ledger.
/// **Errors**: `unavailable` (full, locked, gone: nothing happened), `outcomeUnknown` (the end of a commit was not
/// seen), `invalid` (this input can never be recorded), `damaged` (what is stored of the sale or order was altered:
/// nothing happened; calls for other sales go on). Every write is idempotent, so repeating one after any error is
/// safe. **Cancellation** does not undo a transaction that has begun. Time is passed in, never read.
public protocol OrderLedger: Sendable {
    /// The ledger's identity, drawn when it was created. A copy of a ledger has the same.
    func identity() async throws -> LedgerID

    // MARK: Sales

    /// Adds a sale in epoch 0. The same declaration again is `existing`, another under the same id `conflict`.
    func create(_ sale: Sale) async throws -> CreateSaleOutcome

    /// One sale.
    func sale(_ id: SaleID) async throws -> SaleRecord?

    /// The sales that have changed since `change`; all of them if `change` is 0 or the ledger has not come that far.
    ///
    /// Every change of a sale, by any process, gives the sale the ledger's next number. A reader that keeps
    /// ``SaleListing/change`` and passes it to the next call reads what has changed and nothing else. Sales whose row is
    /// damaged are named, and keep nobody from reading the others. **Cost**: follows the number of sales that changed.
    func sales(changedAfter change: Int) async throws -> SaleListing

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

    /// Up to `limit` returns that no store has applied yet, oldest first, without those of `sales`.
    func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn]

    /// Marks returns as applied by the store. Idempotent.
    func markReturnsApplied(_ returns: [StockReturn]) async throws

    // MARK: The fence

    /// Names the store that may hold `sale`, or nobody, if `number` is higher than that of the last takeover.
    ///
    /// A compare-and-set: of several calls with one number, the first counts. Nothing else changes; the sale's epoch
    /// stays, and what the former holder has answered in it is still recorded until the new one begins its own.
    /// - Returns: the record as it is then; nil if there is no such sale.
    func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord?

    /// Raises the sale's epoch to one above `epoch`, unless it is higher already: some store was found there, so the ledger
    /// went back. No store holds the new epoch. Pending returns are absorbed by the next rebuild.
    ///
    /// - Parameter acceptingLoss: an operator says that orders which a store knows and the ledger lacks are meant to be
    ///   lost. Then the epoch is raised in any case, above `epoch` and above its own, and becomes the record's
    ///   ``SaleRecord/restoredEpoch``. Repeating raises it again, which is harmless.
    /// - Returns: the record as it is then; nil if there is no such sale.
    func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord?

    /// Step (d) of a rebuild: if `store` is the holder of the sale and the sale is in `epoch`, raises the epoch by one,
    /// absorbs every pending return of the sale, and reads what the store is to hold. Nil if there is no such sale.
    func beginEpoch(after epoch: Int, of sale: SaleID, in store: StoreName) async throws -> BeginEpochOutcome?
}

extension OrderLedger {
    /// What a sale's rows add up to. Nil if there is no such sale.
    public func totals(of sale: SaleID) async throws -> SaleTotals? { try await self.sale(sale)?.totals }

    /// All sales.
    public func sales() async throws -> SaleListing { try await sales(changedAfter: 0) }

    /// Up to `limit` returns that no store has applied yet, oldest first.
    public func pendingReturns(limit: Int) async throws -> [StockReturn] {
        try await pendingReturns(limit: limit, excluding: [])
    }
}

/// Sales of a ledger, as of one instant.
public struct SaleListing: Hashable, Sendable {
    /// Those that can be read, by id.
    public var records: [SaleRecord]
    /// The ids of those whose row is damaged, in order.
    public var damaged: [SaleID]
    /// The number of the last change of any sale. If it is lower than the number that was asked for, or that was 0, the
    /// listing has all sales.
    public var change: Int

    /// A listing.
    public init(_ records: [SaleRecord], damaged: [SaleID] = [], change: Int = 0) {
        self.records = records
        self.damaged = damaged
        self.change = change
    }
}

/// What ``OrderLedger/beginEpoch(after:of:in:)`` found.
public enum BeginEpochOutcome: Hashable, Sendable {
    /// The new epoch has begun. Install this.
    case begun(InstalledStock)
    /// The sale is in another epoch; nothing changed.
    case superseded
    /// Another store, or none, is named as the holder; nothing changed.
    case heldElsewhere(StoreName?)
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

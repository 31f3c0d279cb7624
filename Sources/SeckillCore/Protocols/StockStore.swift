/// Who gets a unit: the one place where stock is counted while a sale runs.
///
/// A stock store holds, per sale, the epoch it was installed in, the terms, the units left, each user's live orders,
/// every order it has reserved in this epoch, and the outbox of those that no worker has acknowledged yet. It is a
/// *transactional outbox*: ``reserve(_:for:)`` takes the unit and appends the reservation in one atomic step, so that
/// no crash can separate them.
///
/// A store may lose everything, or come back as it was a while ago. It is never asked to remember: the ledger is the
/// authority, and ``StockRebuild`` installs what the ledger says under a new epoch. Until then the store answers
/// `unavailable`. An implementation must therefore know whether what it holds is what was installed *into this very
/// process or file* (its ``identity()``), and check that inside every atomic step.
///
/// **Errors**: `unavailable` and `overloaded` mean nothing happened; `outcomeUnknown` means it may have, and repeating
/// the call with the same order is safe. **Cancellation**: a cancelled caller stops waiting and gets
/// `CancellationError`; what it asked for may still happen, exactly once.
public protocol StockStore: Sendable {
    /// The configured name of this store, which the ledger names as the holder of a sale. The same after a restart.
    var name: StoreName { get }

    /// What this store is now. Changes whenever its contents may have been replaced: a restart, a failover, a flush.
    func identity() async throws -> StoreIdentity

    /// Takes one unit for `order`, in one atomic step: fence, idempotency, terms, stock, limit, sequence and outbox.
    ///
    /// Checked in this order: the store's own identity and the sale's presence (else `unavailable`); whether the order
    /// is known, in any state (``ReserveOutcome/alreadyReserved(sequence:)``, whatever else holds); its epoch
    /// (older: ``ReserveOutcome/stale``, newer: `unavailable`); closed, paused, not open yet; units left; the user's
    /// limit. Idempotent by order id within an epoch. The outbox is bounded: a full one throws `overloaded`.
    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome

    /// Puts units back, each return at most once, and frees the user's limit.
    ///
    /// One outcome per return, in order. A return is applied only if identity and epoch match and its id is not among
    /// those applied in this epoch. The order itself stays known, so that its link does not sell again. Each return is
    /// atomic; the batch is not. Raises the restock version of every sale that gains a unit, and tells ``restocks()``.
    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome]

    /// The reservation made for `order` in the sale's present epoch, whether acknowledged or given back since; nil if
    /// this store knows none.
    func reservation(of order: OrderID) async throws -> Reservation?

    /// What the store holds for each of `sales`, in their order; nil for a sale of which it holds nothing that it trusts.
    ///
    /// Each snapshot is of one instant; those of several sales are not of the same one. What is wrong with one sale makes
    /// its snapshot nil and leaves the others alone. Changes nothing.
    /// - Throws: if the store cannot be asked at all.
    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?]

    /// Replaces the sale's terms, unless those held are of the same or a later revision. Does nothing for a sale that
    /// the store cannot vouch for: the rebuild brings the terms.
    func update(_ terms: SaleTerms) async throws

    /// Compares the sale with the ledger's `record`, and closes it for a rebuild unless they agree: step (b).
    ///
    /// **Atomicity**: one step, which checks in this order:
    /// 1. `identity` is not the store's: ``ClaimOutcome/busy``.
    /// 2. The store holds this sale for another ledger: ``ClaimOutcome/foreign(_:)``.
    /// 3. The store holds the sale in a later epoch than the record, trusted or not: ``ClaimOutcome/ahead(epoch:orders:)``.
    /// 4. The store's epoch is not before ``SaleRecord/restoredEpoch``, and it knows of more recorded orders than the
    ///    record: ``InstalledStock/orders`` and those that left the outbox are more than ``SaleRecord/orders``, or, in the
    ///    record's own epoch, those that left are more than ``SaleRecord/recorded``: the same, with the number of orders
    ///    that the record would have to count.
    /// 5. The store trusts what it holds, in the record's epoch, its sequence is not behind the record's, and its counts
    ///    add up to ``SaleRecord/installed``: ``ClaimOutcome/current``, and it sells.
    /// 6. Another lease is alive: ``ClaimOutcome/busy``.
    /// 7. Otherwise ``ClaimOutcome/claimed(_:)``: nothing of the sale is reserved until an install, whatever becomes of
    ///    the lease, because it would not be drained.
    ///
    /// - Parameter lifetime: how long the lease lives unless it is renewed.
    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome

    /// Lets a lease live for `lifetime` from now. False if it is over, and then nothing changed.
    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool

    /// Reads up to `limit` reservations of the outbox of the claim's epoch from behind `cursor`, or from the beginning.
    ///
    /// They stay in the outbox until the install. What is acknowledged in between is missing. A page may be short, even
    /// empty, and still have a next one. **Cost**: follows `limit`, so that nothing else waits for long.
    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage

    /// Replaces everything that the store holds of the sale by `stock`, and sells it: step (e).
    ///
    /// False if the lease is over, the store's identity has changed, or it holds the sale in this epoch or a later one;
    /// then nothing changed. **Atomicity**: readers see what was there before, or all of `stock`.
    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool

    /// Reads the keys of up to `limit` orders that were reserved in `epoch`, from behind `cursor`, or from the beginning.
    ///
    /// Orders reserved while pages are read may be missing. Empty if the store is in another epoch. A store of this
    /// process (``isInProcess``) need not implement it.
    func orderKeys(of sale: SaleID, epoch: Int, after cursor: String?, limit: Int) async throws -> OrderKeyPage

    /// Gives a claim up early, so that another need not wait for its end. Harmless if it is over.
    func abandon(_ claim: StockClaim) async throws

    /// Closes `sale` if it is in `epoch`. Reservations fail until a rebuild; the outbox stays, and workers go on with it.
    func distrust(_ sale: SaleID, epoch: Int) async throws

    /// Lets the store forget a sale that will never sell again: no epoch is installed after this one.
    ///
    /// Does nothing if the sale is in another epoch or orders are in its outbox. A store that others can read too may keep
    /// the sale for a while, but no longer than if this were called once. Idempotent.
    func retire(_ sale: SaleID, epoch: Int) async throws

    /// Told whenever a sale gains units, here or on any node, from now on. May miss some and repeat some: a hint to
    /// drop a sold-out flag early, no more. Ends when the consumer's task is cancelled.
    func restocks() -> AsyncStream<Restock>

    /// The reservations that no worker has acknowledged, of all sales. Nothing but ``reserve(_:for:)`` adds to it.
    var outbox: any OrderSource { get }

    /// Whether a call costs less than asking a local flag: true for stores inside this process, whose refusals the
    /// funnel then need not remember.
    var isInProcess: Bool { get }
}

/// What ``StockStore/reserve(_:for:)`` decided.
public enum ReserveOutcome: Hashable, Sendable {
    /// A unit is taken and in the outbox.
    case reserved(sequence: Int)
    /// This order took its unit before; it may have ended since.
    case alreadyReserved(sequence: Int)
    /// No unit left, as of this restock version.
    case soldOut(version: Int)
    /// The user holds as many live orders as the sale allows.
    case limitReached
    /// The sale has not opened yet.
    case notOpen(opensAt: Timestamp)
    /// The operator has paused it.
    case paused
    /// It is over.
    case closed
    /// The order was minted in an epoch that is over; it will never sell.
    case stale
}

/// What became of one return.
public enum GiveBackOutcome: Hashable, Sendable {
    /// The units are on sale again.
    case applied
    /// They were before.
    case alreadyApplied
    /// The store is in another epoch or cannot vouch for the sale: leave the return open.
    case refused
}

/// What a store is, for comparison only.
public struct StoreIdentity: Hashable, Sendable {
    /// Opaque.
    public var text: String

    /// An identity.
    public init(_ text: String) { self.text = text }
}

/// What a stock store holds for one sale, at one instant.
public struct StockSnapshot: Hashable, Sendable {
    /// The epoch it was installed in.
    public var epoch: Int
    /// Units left.
    public var remaining: Int
    /// Reservations in the outbox.
    public var pending: Int
    /// The last sequence given out in this epoch.
    public var sequence: Int
    /// The restock version: raised whenever the sale gains units, and by every install to more than any of an earlier
    /// epoch; ``firstVersion(of:)`` is a good start.
    public var version: Int
    /// The revision of the terms it holds.
    public var revision: Int
    /// Reservations that have left the outbox in this epoch.
    public var settled: Int
    /// Units given back in this epoch.
    public var returned: Int

    /// A snapshot. Where nothing was lost, `settled` is what is not pending.
    public init(
        epoch: Int,
        remaining: Int,
        pending: Int,
        sequence: Int,
        version: Int,
        revision: Int,
        settled: Int? = nil,
        returned: Int = 0
    ) {
        self.settled = settled ?? sequence - pending
        self.returned = returned
        self.epoch = epoch
        self.remaining = remaining
        self.pending = pending
        self.sequence = sequence
        self.version = version
        self.revision = revision
    }

    /// A restock version above all those of earlier epochs.
    public static func firstVersion(of epoch: Int) -> Int { epoch << 32 }

    /// The highest epoch: with more, restock versions would pass 2^53, where numbers of Lua and JSON lose their ends.
    public static let maxEpoch = 1 << 20

    /// - Throws: ``SeckillError`` of code `invalid` for an epoch above ``maxEpoch``.
    package static func check(epoch: Int) throws(SeckillError) {
        guard epoch <= maxEpoch else {
            throw SeckillError(.invalid, "the sale has been rebuilt \(maxEpoch) times, which is all it can be")
        }
    }

    /// The units that were installed when the epoch began, if the store's counts are right: a reservation and a return
    /// leave the sum as it is.
    public var installed: Int { remaining + sequence - returned }
}

extension StockStore {
    /// What the store holds for `sale`; nil if it holds nothing that it trusts.
    public func snapshot(of sale: SaleID) async throws -> StockSnapshot? {
        try await snapshots(of: [sale]).first ?? nil
    }

    /// An empty page, for stores of this process.
    public func orderKeys(
        of sale: SaleID,
        epoch: Int,
        after cursor: String?,
        limit: Int
    ) async throws -> OrderKeyPage {
        OrderKeyPage([], next: nil)
    }
}

/// A sale gained units.
public struct Restock: Hashable, Sendable {
    /// The sale.
    public var sale: SaleID
    /// Its restock version from then on.
    public var version: Int

    /// A signal.
    public init(sale: SaleID, version: Int) {
        self.sale = sale
        self.version = version
    }
}

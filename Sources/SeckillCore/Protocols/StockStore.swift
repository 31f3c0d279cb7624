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

    /// What the store holds for `sale`; nil if it holds nothing it can vouch for, and a rebuild is due.
    func snapshot(of sale: SaleID) async throws -> StockSnapshot?

    /// Replaces the sale's terms, unless those held are of the same or a later revision. Does nothing for a sale that
    /// the store cannot vouch for: the rebuild brings the terms.
    func update(_ terms: SaleTerms) async throws

    /// Step (b) of a rebuild: claims `sale` and takes its whole outbox.
    ///
    /// - ``ClaimOutcome/current`` if identity and `epoch` already match, and the store has given out `sequence`, the
    ///   last that the ledger knows of this epoch: nothing to do. A store that is behind the ledger has lost something.
    /// - ``ClaimOutcome/busy`` if another's claim is alive, or the store is no longer `identity`.
    /// - ``ClaimOutcome/claimed(_:drained:)`` with every reservation still in the outbox, which stays where it is until
    ///   the install wipes it. The claim runs out by itself after `lifetime`. From then on, whatever becomes of the
    ///   claim, nothing of the sale is reserved until an install: it would not have been drained.
    func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome

    /// Step (e) of a rebuild: wipes the sale and writes `stock` in one atomic step, only while `claim` is alive and the
    /// store is still the one it was made on. False if not, and then nothing changed.
    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool

    /// Gives a claim up early, so that another need not wait for its end. Harmless if it is over.
    func abandon(_ claim: StockClaim) async throws

    /// Stops vouching for `sale` if it is in `epoch`: a tripwire said that something was lost. Reservations fail until
    /// a rebuild; the outbox stays for it to drain.
    func distrust(_ sale: SaleID, epoch: Int) async throws

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

    /// A snapshot.
    public init(epoch: Int, remaining: Int, pending: Int, sequence: Int, version: Int, revision: Int) {
        self.epoch = epoch
        self.remaining = remaining
        self.pending = pending
        self.sequence = sequence
        self.version = version
        self.revision = revision
    }

    /// A restock version above all those of earlier epochs.
    public static func firstVersion(of epoch: Int) -> Int { epoch << 32 }
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

/// The right to rebuild one sale.
public struct StockClaim: Hashable, Sendable {
    /// The sale.
    public var sale: SaleID
    /// Tells this claim from every other.
    public var token: String
    /// The store it was made on.
    public var identity: StoreIdentity

    /// A claim.
    public init(sale: SaleID, token: String, identity: StoreIdentity) {
        self.sale = sale
        self.token = token
        self.identity = identity
    }
}

/// What ``StockStore/claim(_:epoch:sequence:identity:lifetime:)`` found.
public enum ClaimOutcome: Hashable, Sendable {
    /// The store is as the ledger says.
    case current
    /// Somebody else is at it, or the store changed: start over.
    case busy
    /// Rebuild it; these reservations must be recorded first.
    case claimed(StockClaim, drained: [Reservation])
}

/// What a rebuild writes: the ledger's word.
public struct InstalledStock: Hashable, Sendable {
    /// When, whether and how many for one user.
    public var terms: SaleTerms
    /// The new epoch.
    public var epoch: Int
    /// Stock minus live orders.
    public var remaining: Int
    /// Live orders of each user who has any.
    public var held: [UserID: Int]

    /// The ledger's word.
    public init(terms: SaleTerms, epoch: Int, remaining: Int, held: [UserID: Int]) {
        self.terms = terms
        self.epoch = epoch
        self.remaining = remaining
        self.held = held
    }
}

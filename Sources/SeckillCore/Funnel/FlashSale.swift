public import Logging

/// The funnel: refuses the many cheaply and hands the few to the stock store.
///
/// One instance serves all sales of a node. The methods below are the routes of a shop; ``run()`` is the work behind
/// them and must be running somewhere (in one process, or in workers of their own) for orders to reach the ledger.
/// Refusals are values; an error is thrown only where nothing could be decided and the method has no way to say so.
///
/// Everything injected is shared, never owned: closing databases and connections is the caller's.
public final class FlashSale: Sendable {
    let stock: any StockStore
    let ledger: any OrderLedger
    let sessions: any SessionStore
    let limiter: (any RateLimiter)?
    let clientLimiter: (any RateLimiter)?
    let purchases: (any PurchaseStore)?
    let challenges: [any Challenge]
    let signals: any OrderSignals
    let signer: LinkSigner
    let configuration: Configuration
    let clock: any SaleClock
    let random: any RandomSource
    let logger: Logger

    let catalog: Catalog
    let soldOut: SoldOutFlags
    let board = SaleBoard()
    let events = OrderNews()
    let health: SaleHealth
    /// Sales that buyers have asked for since the last sweep.
    let requested = Locked<Set<SaleID>>([])
    let metrics = FunnelMetrics()
    /// Of requests that cannot be decided.
    let outage: OutageLog

    /// A funnel over these backends.
    ///
    /// - Parameters:
    ///   - limiter: counts by user: link and purchase requests together, challenges apart from them; nil admits all.
    ///   - clientLimiter: counts by client: logins, and challenges apart from them; nil admits all.
    ///   - purchases: session, limit and stock in one step, over these same `sessions`, `limiter` and `stock`; nil to ask
    ///     one after the other.
    ///   - challenges: any of which must be answered before a link is given; none, and links are free.
    ///   - signals: how nodes hear of orders. By default, there are no other nodes.
    ///   - signer: signs order ids and links. Nodes of one shop must share its secrets.
    public init(
        stock: any StockStore,
        ledger: any OrderLedger,
        sessions: any SessionStore,
        limiter: (any RateLimiter)? = nil,
        clientLimiter: (any RateLimiter)? = nil,
        purchases: (any PurchaseStore)? = nil,
        challenges: [any Challenge] = [],
        signals: any OrderSignals = MemoryOrderSignals(),
        signer: LinkSigner,
        configuration: Configuration = Configuration(),
        clock: any SaleClock = .system,
        random: any RandomSource = .system,
        logger: Logger = Logger(label: "seckill")
    ) {
        self.stock = stock
        self.ledger = ledger
        self.sessions = sessions
        self.limiter = limiter
        self.clientLimiter = clientLimiter
        self.purchases = purchases
        self.challenges = challenges
        self.signals = signals
        self.signer = signer
        self.configuration = configuration.inRange
        self.clock = clock
        self.random = random
        self.logger = logger
        catalog = Catalog(ledger: ledger, clock: clock)
        soldOut = SoldOutFlags(clock: clock)
        health = SaleHealth(logger: logger)
        outage = OutageLog(
            logger,
            clock: clock,
            began: "requests cannot be decided and are answered \"unavailable\"",
            ended: "requests are decided again"
        )
    }

    /// Who is asking.
    public enum Caller: Sendable {
        /// Whoever this session belongs to; nil for a request without one.
        case session(SessionToken?)
        /// A user whom the embedding server has authenticated itself.
        case user(UserID)
    }

    /// What becomes of orders on this node, from now on: those that are recorded, paid, cancelled and expired here. Any
    /// event may come again: what is repeated, by a buyer, a redelivery or a rebuild, is told again as it stands. So act
    /// once for each order and status. A consumer that falls 1,024 events behind misses the oldest. Ends with the
    /// consumer's task.
    public func orderEvents() -> AsyncStream<Order> { events.subscribe() }

    /// What becomes of the orders of `user` on any node, from now on. Needs ``run()`` on each node that does something with
    /// orders, and ``OrderSignals`` that reach the others. As in ``orderEvents()``, any event may come again; some may be
    /// lost. Ends with the consumer's task.
    public func orderEvents(of user: UserID) -> AsyncStream<Order> { signals.orders(of: user) }

    /// Sales that look different from before, from now on, as this node notices: within a sweep of
    /// ``Configuration/sweep``, or at once where it is told. Needs ``run()``. A consumer that falls 1,024 events behind
    /// misses the oldest. Ends with the consumer's task.
    public func saleEvents() -> AsyncStream<SaleStatus> { board.changes.subscribe() }
}

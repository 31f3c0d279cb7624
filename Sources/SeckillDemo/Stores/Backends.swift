internal import SeckillCore
internal import SeckillSQLite

/// What the shop keeps its things in.
struct Backends: Sendable {
    var ledger: any OrderLedger
    var stock: any StockStore
    var sessions: any SessionStore
    var limiter: (any RateLimiter)?
    /// Held for as long as the stores are in use.
    var lock: LedgerLock?

    /// Everything but the ledger in this process's memory; with `--direct`, the stock in the ledger.
    init(_ settings: Settings, ledger: any OrderLedger, clock: any SaleClock) {
        self.ledger = ledger
        stock = settings.isDirect ? DirectStockStore(ledger: ledger, clock: clock) : MemoryStockStore(clock: clock)
        sessions = MemorySessionStore(clock: clock)
        limiter = settings.rateLimit.map { MemoryRateLimiter($0, clock: clock) }
    }

    /// The same over the ledger's file, which no other server may use meanwhile.
    static func open(_ settings: Settings) async throws -> Backends {
        let ledger = try await SQLiteOrderLedger.open(path: settings.ledger)
        var backends = Backends(settings, ledger: ledger, clock: .system)
        backends.lock = try LedgerLock(ledger: settings.ledger)
        return backends
    }
}

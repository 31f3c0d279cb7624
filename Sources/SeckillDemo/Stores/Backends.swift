internal import SeckillCore
internal import SeckillJournal
internal import SeckillSQLite

/// What the shop keeps its things in.
struct Backends: Sendable {
    var ledger: any OrderLedger
    var stock: any StockStore
    var sessions: any SessionStore
    var limiter: (any RateLimiter)?
    /// The files under stock and sessions, which no other server may use meanwhile.
    var files: EmbeddedStores?

    /// Stock and sessions in journals beside the ledger; with `--direct`, the stock in the ledger.
    static func open(_ settings: Settings) async throws -> Backends {
        let ledger = try await SQLiteOrderLedger.open(path: settings.ledger)
        let files = try await EmbeddedStores.open(at: settings.journals)
        return Backends(
            ledger: ledger,
            stock: settings.isDirect ? DirectStockStore(ledger: ledger, clock: .system) : files.stock,
            sessions: files.sessions,
            limiter: settings.rateLimit.map { MemoryRateLimiter($0, clock: .system) },
            files: files
        )
    }

    func close() async { await files?.close() }
}

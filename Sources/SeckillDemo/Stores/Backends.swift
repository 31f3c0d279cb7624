internal import Logging
internal import SeckillCore
internal import SeckillJournal
internal import SeckillRedis
internal import SeckillSQLite

/// What the shop keeps its things in.
struct Backends: Sendable {
    var ledger: any OrderLedger
    var stock: any StockStore
    var sessions: any SessionStore
    var limiter: (any RateLimiter)?
    /// The three above in one step, where they can.
    var purchases: (any PurchaseStore)?
    /// Rendered pages; nil to render each time.
    var pages: (any PageCache)?
    /// Any of which comes before a link.
    var challenges: [any Challenge] = []
    /// How other servers hear what becomes of orders; nil where there are none.
    var signals: (any OrderSignals)?
    /// The files under stock and sessions, which no other server may use meanwhile.
    var files: EmbeddedStores?
    /// What everything but the ledger travels over, where other servers share it.
    var redis: RedisConnection?

    /// Everything but the ledger in Redis, if the settings name one; else in files of this process.
    static func open(_ settings: Settings) async throws -> Backends {
        let ledger = try await SQLiteOrderLedger.open(path: settings.ledger)
        guard let redis = settings.redis else { return try await embedded(settings, ledger) }
        return try await shared(redis, settings, ledger)
    }

    /// Stock and sessions in journals beside the ledger; with `--direct`, the stock in the ledger.
    private static func embedded(_ settings: Settings, _ ledger: SQLiteOrderLedger) async throws -> Backends {
        let files = try await EmbeddedStores.open(at: settings.journals)
        if settings.isDirect {
            // What the journal holds is out of date from now on; whoever counts on it again must rebuild it.
            for sale in try await ledger.sales() {
                try await files.stock.distrust(sale.sale.id, epoch: sale.epoch)
            }
        }
        return Backends(
            ledger: ledger,
            stock: settings.isDirect ? DirectStockStore(ledger: ledger, clock: .system) : files.stock,
            sessions: files.sessions,
            limiter: settings.rateLimit.map { MemoryRateLimiter($0, clock: .system) },
            pages: settings.pageCache == .off ? nil : MemoryPageCache(),
            challenges: try settings.puzzles.map { MemoryChallenge($0) },
            files: files
        )
    }

    private static func shared(
        _ configuration: RedisConfiguration,
        _ settings: Settings,
        _ ledger: SQLiteOrderLedger
    ) async throws -> Backends {
        let logger = Logger(label: "seckill.redis")
        let redis = try await RedisConnection.open(configuration, logger: logger)
        if !redis.isReady {
            logger.error(
                "Redis cannot be used: purchases are answered 503 until it can",
                metadata: ["seckill.redis": "\(configuration)"]
            )
        }
        let stock = RedisStockStore(redis)
        let sessions = RedisSessionStore(redis)
        let limiter = settings.rateLimit.map { RedisRateLimiter(redis, $0) }
        return Backends(
            ledger: ledger,
            stock: stock,
            sessions: sessions,
            limiter: limiter,
            purchases: try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock),
            pages: settings.pages(redis),
            challenges: try settings.puzzles.map { RedisChallenge(redis, $0) },
            signals: RedisOrderSignals(redis),
            redis: redis
        )
    }

    func close() async {
        await files?.close()
        await redis?.close()
    }
}

extension Settings {
    fileprivate func pages(_ redis: RedisConnection) -> (any PageCache)? {
        switch pageCache {
        case .off: nil
        case .local: MemoryPageCache()
        case .redis: LayeredPageCache(MemoryPageCache(), over: RedisPageCache(redis))
        }
    }

    /// What is asked before a link: something to read, or for those who cannot see it, something for their machine.
    fileprivate var puzzles: [any Puzzle] {
        get throws { asksChallenge ? [ArithmeticPuzzle(), try WorkPuzzle(bits: workBits)] : [] }
    }
}

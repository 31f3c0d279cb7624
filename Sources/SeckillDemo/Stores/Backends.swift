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
    /// Of logins and challenges, by client; nil for no limit.
    var clientLimiter: (any RateLimiter)?
    /// Sessions, limit and stock in one step, where they can.
    var purchases: (any PurchaseStore)?
    /// Rendered pages; nil to render each time.
    var pages: (any PageCache)?
    /// Any of which comes before a link.
    var challenges: [any Challenge] = []
    /// How all servers hear what becomes of orders.
    var signals: any OrderSignals = MemoryOrderSignals()
    /// Checks that the ledger's files are the ones that were opened: throws only if not.
    var checkLedger: (@Sendable () async throws -> Void)?
    /// The files that hold stock and sessions, which no other server may use.
    var files: EmbeddedStores?
    /// The Redis that this server shares with others.
    var redis: SharedRedis?

    /// The shop's part of a Redis.
    struct SharedRedis: Sendable {
        var connection: RedisConnection
        var namespace: String
    }

    /// Everything but the ledger in Redis, if the settings name one; else in files of this process.
    static func open(_ settings: Settings, _ ledger: SQLiteOrderLedger) async throws -> Backends {
        var backends =
            if let redis = settings.redis {
                try await shared(redis, settings, ledger)
            } else {
                try await embedded(settings, ledger)
            }
        backends.checkLedger = { try await ledger.check() }
        return backends
    }

    /// Stock and sessions in journals beside the ledger; with `--direct`, the stock in the ledger.
    private static func embedded(_ settings: Settings, _ ledger: SQLiteOrderLedger) async throws -> Backends {
        let files = try await EmbeddedStores.open(
            at: Settings.journals(of: ledger.path),
            ledger: try await ledger.identity()
        )
        return Backends(
            ledger: ledger,
            stock: settings.isDirect ? DirectStockStore(ledger: ledger, clock: .system) : files.stock,
            sessions: files.sessions,
            limiter: settings.rateLimit.map { MemoryRateLimiter($0, clock: .system) },
            clientLimiter: settings.clientRateLimit.map { MemoryRateLimiter($0, clock: .system) },
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
        let identity = try await ledger.identity()
        let namespace = settings.namespace ?? identity.text
        let logger = Logger(label: "seckill.redis")
        let redis = try await RedisConnection.open(configuration, logger: logger)
        if !redis.isReady {
            logger.error(
                "Redis cannot be used: purchases are answered 503 until it can",
                metadata: ["seckill.redis": "\(configuration)"]
            )
        }
        let stock = RedisStockStore(redis, ledger: identity, namespace: namespace)
        let sessions = RedisSessionStore(redis, namespace: namespace)
        let limiter = settings.rateLimit.map { RedisRateLimiter(redis, $0, namespace: namespace) }
        return Backends(
            ledger: ledger,
            stock: stock,
            sessions: sessions,
            limiter: limiter,
            clientLimiter: settings.clientRateLimit.map {
                RedisRateLimiter(redis, $0, name: "clients", namespace: namespace)
            },
            purchases: try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock),
            pages: settings.pages(redis, namespace),
            challenges: try settings.puzzles.map { RedisChallenge(redis, $0, namespace: namespace) },
            signals: RedisOrderSignals(redis, namespace: namespace),
            redis: SharedRedis(connection: redis, namespace: namespace)
        )
    }

    func close() async {
        await files?.close()
        await redis?.connection.close()
    }
}

extension Settings {
    fileprivate func pages(_ redis: RedisConnection, _ namespace: String) -> (any PageCache)? {
        switch pageCache {
        case .off: nil
        case .local: MemoryPageCache()
        case .redis: LayeredPageCache(MemoryPageCache(), over: RedisPageCache(redis, namespace: namespace))
        }
    }

    /// What is asked before a link: something to read, or for those who cannot see it, something for their machine.
    fileprivate var puzzles: [any Puzzle] {
        get throws { asksChallenge ? [ArithmeticPuzzle(), try WorkPuzzle(bits: workBits)] : [] }
    }
}

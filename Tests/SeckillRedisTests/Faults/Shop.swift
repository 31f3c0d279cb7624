import Foundation
import Logging
import SeckillCore
import SeckillTesting
import TestServers
import Testing

@testable import SeckillRedis

/// A whole sale on a Redis of its own, a crowd that buys, and a notebook of every order that was acknowledged.
struct Shop: Sendable {
    static let sale = SaleID("sale")!

    let server: RedisServer
    let redis: RedisConnection
    let stock: RedisStockStore
    let ledger: MemoryOrderLedger
    let flashSale: FlashSale
    let units: Int
    private let sessions = Locked<[UserID: SessionToken]>([:])
    private let acknowledged = Locked<[OrderID: UserID]>([:])

    /// Opens a sale, runs `body`, and ends everything.
    static func open(
        units: Int,
        limit: Int = 1,
        ledgerRate: Int? = nil,
        works: Bool = true,
        _ body: @escaping @Sendable (Shop) async throws -> Void
    ) async throws {
        try await RedisServer.with { server in
            var settings = server.configuration
            settings.timeout = .seconds(1)
            let redis = try await RedisConnection.connect(settings, logger: .quiet)
            let shop = try Shop(server, redis, units, ledgerRate)
            do {
                try await shop.declare(limit)
                if works { try await shop.work(body) } else { try await body(shop) }
            } catch {
                await redis.close()
                throw error
            }
            await redis.close()
        }
    }

    /// Runs `body` while workers, reconciler and the others run.
    func work(_ body: @Sendable (Shop) async throws -> Void) async throws {
        let work = Task { try await flashSale.run() }
        defer { work.cancel() }
        try await eventually("the sale is open") { await isOpen }
        try await body(self)
        work.cancel()
        _ = try? await work.value
    }

    private init(_ server: RedisServer, _ redis: RedisConnection, _ units: Int, _ ledgerRate: Int?) throws {
        self.server = server
        self.redis = redis
        self.units = units
        stock = RedisStockStore.sample(on: redis, namespace: "shop")
        ledger = MemoryOrderLedger(id: .sample)
        var configuration = FlashSale.Configuration()
        configuration.ledgerRate = ledgerRate
        configuration.sweep = .milliseconds(100)
        configuration.takeOver = .seconds(1)
        let sessions = RedisSessionStore(redis, namespace: "shop")
        let limiter = RedisRateLimiter(redis, Rate(1000, per: .seconds(1))!, namespace: "shop")
        flashSale = FlashSale(
            stock: stock,
            ledger: ledger,
            sessions: sessions,
            limiter: limiter,
            purchases: try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock),
            signer: try LinkSigner(secrets: [Array(repeating: 7, count: 32)]),
            configuration: configuration,
            logger: .quiet
        )
    }

    private func declare(_ limit: Int) async throws {
        let sale = try Sale(
            id: Self.sale,
            title: "Sale",
            price: 1,
            stock: units,
            limitPerUser: limit,
            opensAt: Timestamp(milliseconds: 0)
        )
        _ = try await flashSale.create(sale)
    }

    // MARK: Buying

    /// One attempt to buy with a new link. Retries the same link as long as the answer is "unknown".
    @discardableResult
    func buy(_ user: UserID) async -> PurchaseOutcome? {
        guard case .granted(let link) = await flashSale.link(to: Self.sale, for: .user(user)) else { return nil }
        while !Task.isCancelled {
            let outcome = await flashSale.purchase(link.token, of: Self.sale, by: await caller(user))
            switch outcome {
            case .accepted(let order):
                acknowledged.withLock { $0[order.id] = user }
                return outcome
            case .refused(.noSession, _): sessions.withLock { $0[user] = nil }
            case .refused(.unavailable, _): try? await SystemClock().sleep(for: .milliseconds(50))
            case .refused: return outcome
            }
        }
        return nil
    }

    /// One attempt to buy with a new link, whether or not purchases can be answered. Whether it was accepted.
    func buyOnce(_ user: UserID) async -> Bool {
        guard case .granted(let link) = await flashSale.link(to: Self.sale, for: .user(user)),
            case .accepted(let order) = await flashSale.purchase(link.token, of: Self.sale, by: .user(user))
        else { return false }
        acknowledged.withLock { $0[order.id] = user }
        return true
    }

    /// Half of the crowd has sessions and buys in one step.
    private func caller(_ user: UserID) async -> FlashSale.Caller {
        guard user.text.utf8.last!.isMultiple(of: 2) else { return .user(user) }
        if let token = sessions.withLock({ $0[user] }) { return .session(token) }
        let token = await flashSale.logIn(user).token
        sessions.withLock { $0[user] = token }
        return .session(token)
    }

    #if SECKILL_SANITIZE
        // Everything takes ten times as long, and the workers need a share of the processor as well.
        private static let pause: Duration = .seconds(2)
    #else
        // Six hundred who ask five times a second are more than two busy cores can answer.
        private static let pause: Duration = .milliseconds(600)
    #endif

    /// A crowd that tries, each buyer again and again, until cancelled.
    func crowd(_ size: Int) -> Task<Void, Never> {
        Task {
            await withDiscardingTaskGroup { group in
                for index in 0..<size {
                    group.addTask {
                        while !Task.isCancelled {
                            await buy(UserID("user-\(index)")!)
                            try? await SystemClock().sleep(for: Self.pause)
                        }
                    }
                }
            }
        }
    }

    var sold: Int { acknowledged.withLock(\.count) }

    // MARK: Judging

    /// Waits until nothing is on its way, and checks the promises on what is then there.
    func audit(expectSoldOut: Bool = true) async throws {
        var seen = "nothing"
        do {
            try await eventually("everything is settled", within: .seconds(60)) {
                let snapshot = try? await stock.snapshot(of: Self.sale)
                let totals = try await ledger.totals(of: Self.sale)!
                let record = try await ledger.sale(Self.sale)!
                seen = "\(String(describing: snapshot)), \(totals), epoch \(record.epoch)"
                guard let snapshot, snapshot.pending == 0, snapshot.epoch == record.epoch else { return false }
                return totals.returning == 0 && (!expectSoldOut || snapshot.remaining == 0)
            }
        } catch {
            Issue.record("not settled: \(seen)")
            throw error
        }
        let totals = try #require(try await ledger.totals(of: Self.sale))
        let snapshot = try #require(try await stock.snapshot(of: Self.sale))
        let live = totals.awaiting + totals.paid
        #expect(live <= units, "oversold: \(live) of \(units)")
        #expect(snapshot.remaining + live == units, "undersold: \(snapshot), \(totals)")
        var holders: [UserID: Int] = [:]
        for (id, user) in acknowledged.withLock({ $0 }) {
            let order = try await flashSale.order(id, of: user)
            #expect(order != nil, "an acknowledged order is gone")
            #expect(order?.status != .queued, "an acknowledged order has no end")
            if order?.status.isLive == true { holders[user, default: 0] += 1 }
        }
        #expect((holders.values.max() ?? 0) <= 1, "somebody is over the limit")
    }

    /// Whether purchases can be answered.
    var isOpen: Bool {
        get async { flashSale.readiness().isReady }
    }

    func epoch() async throws -> Int { try await ledger.sale(Self.sale)?.epoch ?? 0 }

    var stockKey: String { stock.keys.stock(Self.sale).text }

    func outboxKey() async throws -> String { stock.keys.outbox(Self.sale, try await epoch()).text }
}

import Logging
import SeckillCore
import SeckillTesting
import Testing

/// A shop on memory backends and a clock that stands still: what the tests of the funnel buy from.
struct Shop {
    let clock: ManualClock
    let stock: MemoryStockStore
    let ledger: any OrderLedger
    let signals = MemoryOrderSignals()
    let flashSale: FlashSale
    let sale = SaleID("phone")!

    init(
        stock units: Int = 10,
        limitPerUser: Int = 1,
        opensIn: Duration = .zero,
        closesIn: Duration? = nil,
        rate: Rate? = nil,
        clock: ManualClock = ManualClock(),
        ledger: any OrderLedger = MemoryOrderLedger(),
        wrapping wrap: (MemoryStockStore) -> any StockStore = { $0 },
        configuration: FlashSale.Configuration = FlashSale.Configuration(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws {
        self.clock = clock
        self.ledger = ledger
        stock = MemoryStockStore(clock: clock, random: SeededRandom(UInt64(clock.uptime.components.seconds)))
        flashSale = FlashSale(
            stock: wrap(stock),
            ledger: ledger,
            sessions: MemorySessionStore(clock: clock),
            limiter: rate.map { MemoryRateLimiter($0, clock: clock) },
            signals: signals,
            signer: try Self.signer(),
            configuration: configuration,
            clock: clock,
            random: SeededRandom(3),
            logger: logger
        )
        let now = clock.now
        _ = try await flashSale.create(
            Sale(
                id: sale,
                title: "Phone",
                price: 9900,
                stock: units,
                limitPerUser: limitPerUser,
                opensAt: now + opensIn,
                closesAt: closesIn.map { now + $0 },
                paymentWindow: .seconds(60)
            )
        )
    }

    static func signer() throws -> LinkSigner {
        try LinkSigner(secrets: [Array(repeating: 1, count: 32)], random: SeededRandom(7))
    }

    func link(for user: String) async throws -> PurchaseLink {
        switch await flashSale.link(to: sale, for: .user(UserID(user)!)) {
        case .granted(let link): return link
        case .refused(let refusal): throw Refused(refusal: refusal)
        }
    }

    func buy(_ link: PurchaseLink, as user: String) async throws -> Order {
        switch await flashSale.purchase(link.token, of: sale, by: .user(UserID(user)!)) {
        case .accepted(let order): return order
        case .refused(let refusal, _): throw Refused(refusal: refusal)
        }
    }

    func buy(as user: String) async throws -> Order { try await buy(link(for: user), as: user) }

    /// Everything that waits in the outbox is recorded.
    func record() async throws {
        let worker = stock.outbox
        while true {
            let deliveries = try await worker.receive(100, as: ConsumerID("test"), wait: .zero)
            guard !deliveries.isEmpty else { return }
            _ = try await ledger.record(deliveries.compactMap(\.reservation), at: clock.now)
            try await worker.acknowledge(deliveries)
        }
    }

    /// Runs the services, and moves the clock from sleep to sleep, until `condition` holds. Fails after an hour of the
    /// clock's time.
    func work(until condition: () async throws -> Bool) async throws {
        try await running { try await pass(until: condition) }
    }

    /// Runs the services around `body`, which begins when all of them rest.
    func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await flashSale.run() }
            // Reconciler, worker, backlog, expiry, returns and sessions.
            try await clock.waitForSleepers(6)
            try await body()
            group.cancelAll()
        }
    }

    /// Moves the clock until `condition` holds; no further while somebody who slept is still at work, unless that takes
    /// a second.
    func pass(until condition: () async throws -> Bool) async throws {
        let end = clock.uptime + .seconds(3600)
        var asleep = clock.sleeperCount
        while try await !condition() {
            try #require(clock.uptime < end, "an hour has passed")
            let patience = SystemClock().uptime + .seconds(1)
            for _ in 0..<20 { await Task.yield() }
            while clock.sleeperCount < asleep, SystemClock().uptime < patience { await Task.yield() }
            asleep = clock.sleeperCount
            clock.advance(by: .milliseconds(50))
        }
    }

    /// Promise 2, for a quiet system.
    func unitsAccountedFor() async throws -> Int {
        let report = try await flashSale.report(of: sale)!
        let stock = report.status.stock!
        return stock.remaining + stock.pending + report.totals.awaiting + report.totals.paid + report.totals.returning
    }
}

struct Refused: Error, Equatable {
    var refusal: Refusal
}

extension Delivery {
    var reservation: Reservation? { if case .reservation(let reservation) = content { reservation } else { nil } }
}

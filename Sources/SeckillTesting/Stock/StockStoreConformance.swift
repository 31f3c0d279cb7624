public import SeckillCore

/// The contract of ``SeckillCore/StockStore`` as code. Its outbox has a suite of its own, ``OutboxConformance``.
///
/// What one living store cannot show, that it notices when it was emptied, rolled back or restarted, is left to the
/// backend's own tests.
public struct StockStoreConformance: ConformanceSuite {
    private let fresh: Fresh<any StockStore>
    private let outboxLimit: Int?

    /// A suite for stores that go by the clock they are given.
    /// - Parameters:
    ///   - outboxLimit: how many reservations an outbox holds in the stores that are made, 1,000 or more; nil leaves
    ///     the bound unchecked.
    ///   - make: makes an empty store, a new one each time.
    public init(outboxLimit: Int? = nil, _ make: @escaping @Sendable (ManualClock) async throws -> any StockStore) {
        fresh = Fresh(make)
        self.outboxLimit = outboxLimit
    }

    /// A suite for stores whose clock is elsewhere, such as in a server: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: shows the same time as the stores' clock, within milliseconds.
    ///   - outboxLimit: how many reservations an outbox holds in the stores that are made, 1,000 or more; nil leaves
    ///     the bound unchecked.
    ///   - make: makes an empty store, a new one each time.
    public init(
        clock: any SaleClock,
        outboxLimit: Int? = nil,
        _ make: @escaping @Sendable () async throws -> any StockStore
    ) {
        fresh = Fresh(clock: clock, make)
        self.outboxLimit = outboxLimit
    }

    /// Every rule of a stock store.
    public static var checks: [Check] { fence + reserving + terms + returns + rebuild + crowds + bounds + many }

    static func rule(_ rule: String, _ body: @escaping @Sendable (StockBench) async throws -> Void) -> Check {
        Check(rule) { suite in
            let (store, time) = try await suite.fresh.make()
            try await body(StockBench(store: store, time: time))
        }
    }

    private static let many: [Check] = [
        rule("snapshots come in the order that was asked for, nil for what the store does not trust") { bench in
            try await bench.install(stock: 9)
            try await bench.install(bench.terms(of: .other), stock: 5)
            let unknown = SaleID("unknown")!
            let asked: [SaleID] = [.other, unknown, .sample, .other]
            let found = try await bench.store.snapshots(of: asked).map { $0?.remaining }
            try expect(found, equals: [5, nil, 9, 5], "units left")
            try await bench.store.distrust(.sample, epoch: 1)
            let closed = try await bench.store.snapshots(of: asked).map { $0?.remaining }
            try expect(closed, equals: [5, nil, nil, 5], "units left, with one sale closed")
            try expect(try await bench.store.snapshots(of: []).count, equals: 0, "snapshots of no sale")
        },
        rule("a sale of which orders are queued, or that is in another epoch, is not retired") { bench in
            try await bench.install(stock: 9)
            try await bench.store.retire(.sample, epoch: 2)
            try await bench.store.retire(SaleID("unknown")!, epoch: 1)
            try expect(try await bench.snapshot().remaining, equals: 9, "units left")
            try await bench.reserve(2)
            try await bench.store.retire(.sample, epoch: 1)
            try expect(try await bench.snapshot().pending, equals: 2, "orders in the outbox")
            let held = try await bench.store.outbox.receive(2, as: ConsumerID("worker"), wait: .zero)
            try expect(held.count, equals: 2, "orders received")
        },
        rule("retiring a sale twice is harmless, and leaves the others alone") { bench in
            try await bench.install(stock: 9)
            try await bench.install(bench.terms(of: .other), stock: 5)
            for _ in 1...2 { try await bench.store.retire(.sample, epoch: 1) }
            try expect(try await bench.snapshot(of: .other).remaining, equals: 5, "units of another sale")
        },
    ]

    private static let bounds: [Check] = [
        Check("a full outbox is overloaded, takes nothing, and goes on when it has room") { suite in
            guard let limit = suite.outboxLimit else { return }
            let (store, time) = try await suite.fresh.make()
            let bench = StockBench(store: store, time: time)
            try await bench.install(stock: limit + 10)
            let orders = try await bench.reserve(limit)
            let next = bench.order(for: .alice)
            for _ in 1...2 {
                try await expectError(.overloaded, from: "one more") { try await store.reserve(next, for: .alice) }
            }
            let full = try await bench.snapshot()
            try expect([full.remaining, full.pending, full.sequence], equals: [10, limit, limit], "after refusals")
            let again = try await store.reserve(orders[0].order, for: orders[0].user)
            try expect(again, equals: .alreadyReserved(sequence: 1), "an order that is in the outbox")
            let worker = ConsumerID("worker")
            try await store.outbox.acknowledge(try await store.outbox.receive(1, as: worker, wait: .zero))
            let outcome = try await store.reserve(next, for: .alice)
            try expect(outcome, equals: .reserved(sequence: limit + 1), "after one is acknowledged")
        }
    ]
}

/// A fresh store and short ways to say what is done to it.
struct StockBench: Sendable {
    let store: any StockStore
    let time: TestTime
    private let samples = Samples()

    init(store: any StockStore, time: TestTime) {
        self.store = store
        self.time = time
    }

    func terms(
        of sale: SaleID = .sample,
        limit: Int = 10,
        opensIn: Duration = .seconds(-60),
        closesIn: Duration? = nil,
        admission: Admission = .open,
        revision: Int = 1
    ) -> SaleTerms {
        let now = time.clock.now
        return SaleTerms(
            sale: sale,
            limitPerUser: limit,
            opensAt: now + opensIn,
            closesAt: closesIn.map { now + $0 },
            admission: admission,
            revision: revision
        )
    }

    /// Puts stock in as a rebuild does, whatever was there, and returns the reservations that were drained.
    @discardableResult
    func install(
        _ terms: SaleTerms? = nil,
        stock: Int,
        epoch: Int = 1,
        held: [UserID: Int] = [:]
    ) async throws -> [Reservation] {
        let terms = terms ?? self.terms()
        let present = try await store.snapshot(of: terms.sale)?.epoch
        if let present { try await store.distrust(terms.sale, epoch: present) }
        let (claim, drained) = try await claim(terms.sale, epoch: max(present ?? 0, epoch - 1))
        let stock = InstalledStock(terms: terms, epoch: epoch, remaining: stock, held: held)
        try expect(try await store.install(stock, under: claim), "the install of epoch \(epoch) is refused")
        return drained
    }

    func claim(
        _ sale: SaleID = .sample,
        epoch: Int,
        lifetime: Duration = .seconds(60)
    ) async throws -> (StockClaim, [Reservation]) {
        let outcome = try await tryClaim(sale, epoch: epoch, lifetime: lifetime)
        guard case .claimed(let claim) = outcome else {
            throw Violation("a claim that nothing stands against: found \(outcome)", #fileID, #line)
        }
        return (claim, try await drain(claim))
    }

    /// The whole outbox under a claim, read in pages of `limit`.
    func drain(_ claim: StockClaim, limit: Int = 1000) async throws -> [Reservation] {
        var drained: [Reservation] = []
        var cursor: String?
        repeat {
            let page = try await store.drain(claim, after: cursor, limit: limit)
            try expect(page.reservations.count <= limit, "a page of \(page.reservations.count), the limit is \(limit)")
            drained += page.reservations
            cursor = page.next
        } while cursor != nil
        return drained
    }

    /// The ledger's record of a sale that agrees with the store, but for what is said.
    func record(
        of sale: SaleID = .sample,
        epoch: Int,
        sequence: Int = 0,
        recorded: Int? = nil,
        orders: Int? = nil,
        installed: Int? = nil,
        restoredEpoch: Int = 0
    ) async throws -> SaleRecord {
        let snapshot = try await store.snapshot(of: sale)
        return SaleRecord(
            .sample(sale),
            epoch: epoch,
            sequence: sequence,
            recorded: recorded ?? 1_000_000,
            orders: orders ?? 1_000_000,
            installed: installed ?? snapshot?.installed ?? 0,
            restoredEpoch: restoredEpoch
        )
    }

    func tryClaim(
        _ sale: SaleID = .sample,
        epoch: Int,
        sequence: Int = 0,
        lifetime: Duration = .seconds(60)
    ) async throws -> ClaimOutcome {
        try await tryClaim(record(of: sale, epoch: epoch, sequence: sequence), lifetime: lifetime)
    }

    func tryClaim(_ record: SaleRecord, lifetime: Duration = .seconds(60)) async throws -> ClaimOutcome {
        try await store.claim(record, identity: store.identity(), lifetime: lifetime)
    }

    func order(_ sale: SaleID = .sample, epoch: Int = 1, for user: UserID) -> OrderID {
        samples.order(sale, epoch: epoch, for: user)
    }

    /// Reserves one unit with a new order.
    func reserve(_ user: UserID, of sale: SaleID = .sample, epoch: Int = 1) async throws -> ReserveOutcome {
        try await store.reserve(order(sale, epoch: epoch, for: user), for: user)
    }

    /// Reserves `count` units, each for another user, one after the other.
    @discardableResult
    func reserve(_ count: Int, of sale: SaleID = .sample, epoch: Int = 1) async throws -> [Reservation] {
        var reservations: [Reservation] = []
        for index in 0..<count {
            let user = UserID.number(index)
            let order = order(sale, epoch: epoch, for: user)
            guard case .reserved = try await store.reserve(order, for: user) else {
                throw Violation("unit \(index + 1) of \(count) is refused", #fileID, #line)
            }
            reservations.append(try require(try await store.reservation(of: order), "a reservation"))
        }
        return reservations
    }

    func snapshot(of sale: SaleID = .sample) async throws -> StockSnapshot {
        try require(try await store.snapshot(of: sale), "the snapshot of an installed sale")
    }

    func unitReturn(of order: OrderID, for user: UserID) -> StockReturn {
        StockReturn(id: order.text, sale: order.sale, epoch: order.epoch, units: 1, user: user)
    }

    func restock(_ id: String, units: Int, of sale: SaleID = .sample, epoch: Int = 1) -> StockReturn {
        StockReturn(id: id, sale: sale, epoch: epoch, units: units, user: nil)
    }
}

import SeckillCore
import SeckillTesting
import Testing

/// A sale that the store is at odds with, and others that it serves: these must not notice.
struct NeighbourTests {
    enum Illness: CaseIterable, Sendable { case throwing, refusing }

    /// A store that fails all that it is asked of one sale, or takes none of its returns, once `illness` is set.
    private struct SickStore: DecoratedStore {
        let base: any StockStore
        let illness: Locked<Illness?>

        private func check(_ sale: SaleID) throws {
            guard sale == NeighbourTests.sick, illness.withLock({ $0 == .throwing }) else { return }
            throw SeckillError(.unavailable, "a key of this sale is of another type")
        }

        func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
            let snapshots = try await base.snapshots(of: sales)
            return zip(sales, snapshots).map { sale, snapshot in (try? check(sale)) == nil ? nil : snapshot }
        }
        func claim(
            _ record: SaleRecord,
            identity: StoreIdentity,
            lifetime: Duration
        ) async throws -> ClaimOutcome {
            try check(record.sale.id)
            // As while another node rebuilds it.
            if record.sale.id == NeighbourTests.sick, illness.withLock({ $0 == .refusing }) { return .busy }
            return try await base.claim(record, identity: identity, lifetime: lifetime)
        }
        func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
            for units in returns { try check(units.sale) }
            guard illness.withLock({ $0 == .refusing }) else { return try await base.giveBack(returns) }
            var outcomes: [GiveBackOutcome] = []
            for units in returns {
                outcomes += units.sale == NeighbourTests.sick ? [.refused] : try await base.giveBack([units])
            }
            return outcomes
        }
    }

    /// Before the others by its name.
    private static let sick = SaleID("a")!
    private let illness = Locked<Illness?>(nil)

    private func shop() async throws -> Shop {
        let shop = try await Shop(wrapping: { [illness] in SickStore(base: $0, illness: illness) })
        _ = try await shop.flashSale.create(
            Sale(id: Self.sick, title: "A", price: 1, stock: 1000, opensAt: shop.clock.now)
        )
        return shop
    }

    @Test func theOthersAreRebuiltAndWatched() async throws {
        let shop = try await shop()
        try await shop.running {
            try await shop.clock.waitForSleepers()
            illness.withLock { $0 = .throwing }
            try await shop.stock.distrust(shop.sale, epoch: 1)
            let start = shop.clock.uptime
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.epoch == 2 }
            #expect(shop.clock.uptime - start <= .seconds(2))
        }
    }

    @Test(arguments: Illness.allCases)
    func theOthersUnitsComeBack(illness: Illness) async throws {
        let shop = try await shop()
        let count = 600
        let orders = (1...count).map { number in
            Reservation(
                order: OrderID("a.1.\(10_000_000 + number).abcdefgh")!,
                user: UserID("u\(number)")!,
                sequence: number,
                reservedAt: shop.clock.now
            )
        }
        for order in try await shop.ledger.record(orders, at: shop.clock.now) {
            _ = try await shop.ledger.cancel(order.id, at: shop.clock.now)
        }
        let order = try await shop.buy(as: "alice")
        try await shop.record()
        _ = try await shop.ledger.cancel(order.id, at: shop.clock.now)
        self.illness.withLock { $0 = illness }
        try await shop.running {
            let start = shop.clock.uptime
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.remaining == 10 }
            #expect(shop.clock.uptime - start <= .seconds(2))
            #expect(
                try await shop.ledger.pendingReturns(limit: count * 2).filter { $0.sale == Self.sick }.count == count
            )
        }
    }
}

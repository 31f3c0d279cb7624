import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillCore
@testable import SeckillJournal

/// A shop on journals whose services are turned by hand: one step at a time, so that it can die at any of them. The
/// ledger outlives it.
struct Shop {
    let stores: EmbeddedStores
    let ledger: MemoryOrderLedger
    let flashSale: FlashSale
    static let sale = SaleID("phone")!

    init(
        on disk: SimulatedDisk,
        ledger: MemoryOrderLedger = .forTests(),
        clock: any SaleClock = .system,
        limits: Journal.Limits = .patient
    ) async throws {
        self.ledger = ledger
        stores = try await EmbeddedStores.open(
            on: disk,
            ledger: try await ledger.identity(),
            clock: clock,
            limits: limits
        )
        flashSale = FlashSale(
            stock: stores.stock,
            ledger: ledger,
            sessions: stores.sessions,
            signer: try LinkSigner(secrets: [Array(repeating: 1, count: 32)]),
            clock: clock,
            logger: .silent
        )
        try await reconcile()
    }

    static func declaration(units: Int, limitPerUser: Int = 1, closesAt: Timestamp? = nil) throws -> Sale {
        try Sale(
            id: sale,
            title: "Phone",
            price: 9900,
            stock: units,
            limitPerUser: limitPerUser,
            opensAt: Timestamp(milliseconds: 0),
            closesAt: closesAt
        )
    }

    /// Puts a sale up, unless it is there.
    func open(units: Int, limitPerUser: Int = 1, closesAt: Timestamp? = nil) async throws {
        let sale = try Self.declaration(units: units, limitPerUser: limitPerUser, closesAt: closesAt)
        _ = try await flashSale.create(sale)
    }

    func link(for user: UserID) async -> PurchaseLink? {
        guard case .granted(let link) = await flashSale.link(to: Self.sale, for: .user(user)) else { return nil }
        return link
    }

    /// A link and its purchase. The order if it was acknowledged.
    func buy(as user: UserID) async -> OrderID? {
        guard let link = await link(for: user) else { return nil }
        return await buy(link, as: user)
    }

    func buy(_ link: PurchaseLink, as user: UserID) async -> OrderID? {
        guard case .accepted(let order) = await flashSale.purchase(link.token, of: Self.sale, by: .user(user)) else {
            return nil
        }
        return order.id
    }

    /// One batch from the outbox into the ledger. How many.
    @discardableResult
    func record(_ max: Int = 1000) async throws -> Int {
        let deliveries = try await stores.stock.outbox.receive(max, as: ConsumerID("test"), wait: .zero)
        let reservations = deliveries.compactMap { delivery -> Reservation? in
            guard case .reservation(let reservation) = delivery.content else { return nil }
            return reservation
        }
        _ = try await flashSale.recorder.record(reservations)
        try await stores.stock.outbox.acknowledge(deliveries)
        return deliveries.count
    }

    /// What the reconciler does first of all, and where it finds a sale missing.
    func reconcile() async throws {
        for record in try await ledger.sales().records { _ = try await flashSale.rebuild.ensure(record.sale.id) }
    }

    func makeReturns() async throws { try await flashSale.returns.applyAll() }

    /// Until nothing is on its way.
    func settle() async throws {
        while try await record() > 0 {}
        try await makeReturns()
    }

    /// Promises 1, 2 and 4, in a quiet shop.
    func audit(_ comment: Comment) async throws {
        let record = try #require(try await ledger.sale(Self.sale), comment)
        let totals = try #require(try await ledger.totals(of: Self.sale), comment)
        let snapshot = try #require(try await stores.stock.snapshot(of: Self.sale), comment)
        #expect(totals.awaiting + totals.paid <= totals.stock, comment)
        #expect(snapshot.pending == 0, comment)
        #expect(snapshot.remaining + totals.awaiting + totals.paid + totals.returning == totals.stock, comment)
        #expect(snapshot.epoch == record.epoch, comment)
    }

    func liveOrders(of user: UserID) async throws -> Int {
        try await ledger.orders(of: user, limit: 1000).count { $0.status.isLive }
    }
}

extension UserID {
    static func number(_ number: Int) -> UserID { UserID("user-\(number)")! }
}

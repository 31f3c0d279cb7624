public import SeckillCore

/// The contract of ``SeckillCore/OrderLedger`` as code.
///
/// A ledger is told the time, so checks need no clock. What one ledger cannot show, that it outlives its process and
/// that several processes may share it, is left to the backend's own tests.
public struct OrderLedgerConformance: ConformanceSuite {
    private let make: @Sendable () async throws -> any OrderLedger

    /// A suite for the ledgers that `make` makes: empty, and a new one each time.
    public init(_ make: @escaping @Sendable () async throws -> any OrderLedger) { self.make = make }

    /// Every rule of a ledger.
    public static var checks: [Check] {
        sales + recording + rejecting + settling + expiring + returns + epochs + mandate + races
    }

    static func rule(_ rule: String, _ body: @escaping @Sendable (LedgerBench) async throws -> Void) -> Check {
        Check(rule) { suite in try await body(LedgerBench(ledger: suite.make())) }
    }
}

/// A fresh ledger and short ways to say what is done to it.
struct LedgerBench: Sendable {
    let ledger: any OrderLedger
    private let samples = Samples()

    /// Adds a sale and begins its first epoch.
    @discardableResult
    func open(_ sale: Sale = .sample()) async throws -> SaleRecord {
        _ = try await ledger.create(sale)
        _ = try require(try await beginEpoch(after: 0, of: sale.id), "the first epoch")
        return try await record(of: sale.id)
    }

    /// Begins an epoch in the store that holds the sale, or in one that takes it if none does. Nil if it does not begin.
    func beginEpoch(after epoch: Int, of sale: SaleID = .sample) async throws -> InstalledStock? {
        var record = try require(try await ledger.sale(sale), "the record of a sale")
        if record.holder == nil {
            let named = try await ledger.transfer(sale, to: .sample, takeover: record.takeover + 1)
            record = try require(named, "the record of a sale that was transferred")
        }
        let holder = try require(record.holder, "the holder of a sale that was transferred")
        switch try await ledger.beginEpoch(after: epoch, of: sale, in: holder) {
        case .begun(let stock): return stock
        case .superseded: return nil
        case let outcome: throw Violation("an epoch for the holder: found \(outcome as Any)", #fileID, #line)
        }
    }

    func reservation(
        _ sequence: Int,
        for user: UserID? = nil,
        of sale: SaleID = .sample,
        epoch: Int = 1
    ) -> Reservation {
        let user = user ?? .number(sequence)
        let order = samples.order(sale, epoch: epoch, for: user)
        return Reservation(order: order, user: user, sequence: sequence, reservedAt: .start)
    }

    /// Records one reservation of a new order.
    @discardableResult
    func place(
        _ sequence: Int,
        for user: UserID? = nil,
        of sale: SaleID = .sample,
        epoch: Int = 1,
        at now: Timestamp = .start
    ) async throws -> Order {
        try await record(reservation(sequence, for: user, of: sale, epoch: epoch), at: now)
    }

    func record(_ reservation: Reservation, at now: Timestamp = .start) async throws -> Order {
        let orders = try await ledger.record([reservation], at: now)
        try expect(orders.count, equals: 1, "results of one reservation")
        return orders[0]
    }

    func order(_ id: OrderID) async throws -> Order {
        try require(try await ledger.lookUp(id).order, "the row of a recorded order")
    }

    func record(of sale: SaleID = .sample) async throws -> SaleRecord {
        try require(try await ledger.sale(sale), "the record of a sale")
    }

    func totals(of sale: SaleID = .sample) async throws -> SaleTotals {
        try require(try await ledger.totals(of: sale), "the totals of a sale")
    }

    func returns() async throws -> [StockReturn] { try await ledger.pendingReturns(limit: 10_000) }

    func unitReturn(of order: Order, epoch: Int = 1) -> StockReturn {
        StockReturn(id: order.id.text, sale: order.id.sale, epoch: epoch, units: 1, user: order.user)
    }
}

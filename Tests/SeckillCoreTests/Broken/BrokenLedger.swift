import SeckillCore
import SeckillTesting
import Testing

@Suite struct BrokenOrderLedgerTests {
    private func suite(_ mistake: BrokenLedger.Mistake) -> OrderLedgerConformance {
        OrderLedgerConformance { BrokenLedger(mistake) }
    }

    @Test func withoutItsMistakeItIsRight() async throws { try await suite(.none).run() }

    @Test func changes() async throws {
        let change = "who keeps up with the changes reads the sales that have changed, and no other"
        try await expect(suite(.tellsNoChanges), breaks: change)
        try await expect(suite(.tellsAllSales), breaks: change)
        try await expect(suite(.tellsNoChanges), breaks: "of changes that are made at once, none is missed")
        let future = "who knows changes that the ledger does not have reads all sales"
        try await expect(suite(.trustsItsReaders), breaks: future)
    }

    @Test func guards() async throws {
        let stock = "never more live orders than stock; the rest are rejected with a return"
        try await expect(suite(.noGuards), breaks: stock)
        try await expect(suite(.noGuards), breaks: "nobody over the limit; the rest are rejected with a return")
        let race = "many workers that record the same orders at once record each once"
        try await expect(suite(.noGuards), breaks: race)
        let batch = "one impossible order makes the whole batch invalid, and nothing of it is recorded"
        try await expect(suite(.recordsOneByOne), breaks: batch)
        try await expect(suite(.joinsUsers), breaks: "users are told apart by bytes")
        let sequence = "the sequence is the highest recorded in this epoch, rejections included"
        try await expect(suite(.sequenceOfLiveOnly), breaks: sequence)
    }

    @Test func deadlines() async throws {
        try await expect(suite(.paysLate), breaks: "an order is paid until the last millisecond before its deadline")
        try await expect(suite(.expiresEarly), breaks: "an order expires from its deadline on, to the millisecond")
        let race = "payment, cancellation and expiry of one order at once: one of them"
        try await expect(suite(.looksThenPays), breaks: race)
    }

    @Test func returns() async throws {
        try await expect(
            suite(.returnsOfTheOrdersEpoch),
            breaks: "a return is of the epoch it is written in, not of its order's"
        )
        try await expect(suite(.closesNothing), breaks: "a closed return is made once and for all")
        let restock = "a restock repeated by its id adds nothing, whatever happened since"
        try await expect(suite(.restocksAgain), breaks: restock)
        let newest = "open returns come oldest first, up to the limit"
        try await expect(suite(.newestReturnsFirst), breaks: newest)
        let place = "open returns of sales that are passed over take no place from the others'"
        try await expect(suite(.passesNoSaleOver), breaks: place)
    }

    @Test func epochs() async throws {
        try await expect(suite(.takesOldEpochs), breaks: "an order of an older epoch is lost, without a return")
        try await expect(suite(.beginsAnyEpoch), breaks: "an epoch begins only after the one that is named")
        try await expect(suite(.beginsAnyEpoch), breaks: "of many rebuilds at once, one begins the epoch")
        let absorbs = "an epoch absorbs its sale's open returns, and no other's"
        try await expect(suite(.absorbsNothing), breaks: absorbs)
        let read = "an order recorded while an epoch begins is counted in it, or lost"
        try await expect(suite(.countsBeforeItBegins), breaks: read)
    }

    @Test func mandate() async throws {
        try await expect(suite(.changesItsIdentity), breaks: "a ledger has one identity")
        try await expect(suite(.transfersAnyway), breaks: "only a higher number names another holder")
        try await expect(suite(.transfersAnyway), breaks: "of many transfers at once with one number, one counts")
        try await expect(suite(.beginsForAnyStore), breaks: "an epoch begins only for the holder")
        try await expect(suite(.raisesAlways), breaks: "an epoch is raised above a store's, and never lowered")
        try await expect(
            suite(.forgetsTheLoss),
            breaks: "a loss that is accepted raises the epoch in any case, and is kept"
        )
    }
}

/// A right ledger behind one mistake.
private final class BrokenLedger: DecoratedLedger {
    enum Mistake {
        case none
        case tellsNoChanges, tellsAllSales, trustsItsReaders
        case noGuards, recordsOneByOne, joinsUsers, sequenceOfLiveOnly
        case paysLate, expiresEarly, looksThenPays
        case returnsOfTheOrdersEpoch, closesNothing, restocksAgain, newestReturnsFirst, passesNoSaleOver
        case takesOldEpochs, beginsAnyEpoch, absorbsNothing, countsBeforeItBegins
        case changesItsIdentity, transfersAnyway, beginsForAnyStore, raisesAlways, forgetsTheLoss
    }

    private struct Notes: Sendable {
        var restocks = 0
        var live = 0
        var paid: Set<OrderID> = []
        var users: [String: UserID] = [:]
        var kept: [StockReturn] = []
    }

    let base: any OrderLedger = MemoryOrderLedger()
    private let mistake: Mistake
    private let notes = Locked(Notes())
    private let samples = try! LinkSigner(secrets: [Array(repeating: 1, count: 32)], random: SeededRandom(2))

    init(_ mistake: Mistake) { self.mistake = mistake }

    func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        var sale = sale
        if mistake == .noGuards { (sale.stock, sale.limitPerUser) = (1_000_000_000, 1000) }
        return try await base.create(sale)
    }

    func sale(_ id: SaleID) async throws -> SaleRecord? {
        var record = try await base.sale(id)
        if mistake == .sequenceOfLiveOnly { record?.sequence = notes.withLock { $0.live } }
        return record
    }

    func sales(changedAfter change: Int) async throws -> SaleListing {
        var listing = try await base.sales(changedAfter: mistake == .tellsAllSales ? 0 : change)
        if mistake == .tellsNoChanges, change > 0 { listing.records = [] }
        if mistake == .trustsItsReaders, change > listing.change { listing.records = [] }
        return listing
    }

    func identity() async throws -> LedgerID {
        mistake == .changesItsIdentity ? .random() : try await base.identity()
    }

    func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        let turn = notes.withLock { notes in
            notes.restocks += 1
            return notes.restocks
        }
        return try await base.restock(sale, adding: units, id: mistake == .restocksAgain ? "\(id).\(turn)" : id)
    }

    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        var reservations = reservations
        if mistake == .joinsUsers {
            for index in reservations.indices {
                let user = reservations[index].user
                reservations[index].user = notes.withLock { notes in
                    // String finds é composed and decomposed the same.
                    let known = notes.users[user.text] ?? user
                    notes.users[user.text] = known
                    return known
                }
            }
        }
        if mistake == .takesOldEpochs { return try await recordAsPresent(reservations, at: now) }
        guard mistake == .recordsOneByOne else {
            let orders = try await base.record(reservations, at: now)
            let live = orders.filter(\.status.isLive).map(\.sequence).max() ?? 0
            notes.withLock { $0.live = max($0.live, live) }
            return orders
        }
        var orders: [Order] = []
        for reservation in reservations { orders += try await base.record([reservation], at: now) }
        return orders
    }

    /// Each under the name of an order of the present epoch.
    private func recordAsPresent(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        var orders: [Order] = []
        for var reservation in reservations {
            let order = reservation.order
            if let present = try await base.sale(order.sale)?.epoch, order.epoch < present {
                reservation.order = samples.mintOrder(sale: order.sale, epoch: present, user: reservation.user)
            }
            for var row in try await base.record([reservation], at: now) {
                row.id = order
                orders.append(row)
            }
        }
        return orders
    }

    func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        guard mistake == .looksThenPays else {
            return try await base.pay(order, at: mistake == .paysLate ? now + .milliseconds(-1) : now)
        }
        guard var row = try await lookUp(order).order else { return .unknown }
        guard row.status == .awaitingPayment, let payBy = row.payBy, now < payBy else { return .refused(row) }
        await Task.yield()
        notes.withLock { _ = $0.paid.insert(order) }
        row.status = .paid
        return .done(row)
    }

    func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order] {
        try await base.expire(dueAt: mistake == .expiresEarly ? now + .milliseconds(1) : now, limit: limit)
    }

    func lookUp(_ order: OrderID) async throws -> LedgerAnswer {
        var answer = try await base.lookUp(order)
        if notes.withLock({ $0.paid.contains(order) }) { answer.order?.status = .paid }
        return answer
    }

    func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        let passedOver = mistake == .passesNoSaleOver ? [] : sales
        var open = try await base.pendingReturns(limit: .max, excluding: passedOver) + notes.withLock { $0.kept }
        if mistake == .newestReturnsFirst { open.reverse() }
        if mistake == .returnsOfTheOrdersEpoch {
            for index in open.indices { open[index].epoch = OrderID(open[index].id)?.epoch ?? open[index].epoch }
        }
        return Array(open.prefix(limit))
    }

    func markReturnsApplied(_ returns: [StockReturn]) async throws {
        if mistake != .closesNothing { try await base.markReturnsApplied(returns) }
    }

    func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord? {
        var number = number
        if mistake == .transfersAnyway, let record = try await base.sale(sale) { number = record.takeover + 1 }
        return try await base.transfer(sale, to: store, takeover: number)
    }

    func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord? {
        try await base.raiseEpoch(
            of: sale,
            above: mistake == .raisesAlways ? max(epoch, try await base.sale(sale)?.epoch ?? 0) : epoch,
            acceptingLoss: acceptingLoss && mistake != .forgetsTheLoss
        )
    }

    func beginEpoch(after epoch: Int, of sale: SaleID, in store: StoreName) async throws -> BeginEpochOutcome? {
        switch mistake {
        case .beginsAnyEpoch:
            guard let present = try await base.sale(sale)?.epoch else { return nil }
            return try await base.beginEpoch(after: present, of: sale, in: store)
        case .beginsForAnyStore:
            guard let holder = try await base.sale(sale)?.holder else { return nil }
            return try await base.beginEpoch(after: epoch, of: sale, in: holder)
        case .absorbsNothing:
            let open = try await base.pendingReturns(limit: .max).filter { $0.sale == sale }
            notes.withLock { $0.kept += open }
            return try await base.beginEpoch(after: epoch, of: sale, in: store)
        case .countsBeforeItBegins:
            guard let totals = try await base.totals(of: sale) else { return nil }
            for _ in 1...5 { await Task.yield() }
            let outcome = try await base.beginEpoch(after: epoch, of: sale, in: store)
            guard case .begun(var installed) = outcome else { return outcome }
            installed.remaining = totals.stock - totals.awaiting - totals.paid
            return .begun(installed)
        default:
            return try await base.beginEpoch(after: epoch, of: sale, in: store)
        }
    }
}

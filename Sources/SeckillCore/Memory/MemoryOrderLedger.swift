internal import HeapModule

/// A ledger in this process, for tests: it keeps every rule of the real one except that it survives nothing.
public final class MemoryOrderLedger: OrderLedger {
    private let id: LedgerID
    private let book: Locked<LedgerBook>

    /// An empty ledger, whose identity is `id`.
    public init(id: LedgerID = .random()) {
        self.id = id
        book = Locked(LedgerBook())
    }

    /// A ledger with the rows that `other` has now, such as a backup.
    package init(copying other: MemoryOrderLedger) {
        id = other.id
        book = Locked(other.book.withLock { $0 })
    }

    /// The identity it was made with.
    public func identity() async throws -> LedgerID { id }

    /// Adds a sale.
    public func create(_ sale: Sale) async throws -> CreateSaleOutcome { book.withLock { $0.create(sale) } }

    /// One sale.
    public func sale(_ id: SaleID) async throws -> SaleRecord? { book.withLock { $0.sales[id]?.record } }

    /// Those that have changed, by id. Goes over all sales.
    public func sales(changedAfter change: Int) async throws -> SaleListing {
        book.withLock { $0.sales(changedAfter: change) }
    }

    /// Turns the switch.
    public func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord? {
        book.withLock { $0.sales[sale]?.setAdmission(admission) }
    }

    /// Adds units.
    public func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        try book.withLock { book throws(SeckillError) in try book.restock(sale, adding: units, id: id) }
    }

    /// Records, as the last guard.
    public func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        try book.withLock { book throws(SeckillError) in try book.record(reservations, at: now) }
    }

    /// Records as rejected.
    public func reject(
        _ reservation: Reservation,
        because reason: RejectionReason,
        at now: Timestamp
    ) async throws -> Order {
        try book.withLock { book throws(SeckillError) in try book.reject(reservation, because: reason) }
    }

    /// Marks paid.
    public func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        book.withLock { $0.pay(order, at: now) }
    }

    /// Cancels.
    public func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        book.withLock { $0.cancel(order) }
    }

    /// Expires what is due.
    public func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order] {
        book.withLock { $0.expire(dueAt: now, limit: limit) }
    }

    /// The row and the epoch.
    public func lookUp(_ order: OrderID) async throws -> LedgerAnswer {
        book.withLock { LedgerAnswer(order: $0.orders[order], epoch: $0.sales[order.sale]?.record.epoch) }
    }

    /// Newest first.
    public func orders(of user: UserID, limit: Int) async throws -> [Order] {
        book.withLock { book in (book.ordersOf[user] ?? []).suffix(limit).reversed().compactMap { book.orders[$0] } }
    }

    /// Oldest first.
    public func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        book.withLock { Array($0.returns.lazy.filter { !sales.contains($0.sale) }.prefix(limit)) }
    }

    /// Marks as applied.
    public func markReturnsApplied(_ returns: [StockReturn]) async throws {
        book.withLock { $0.markReturnsApplied(Set(returns)) }
    }

    /// Names the holder.
    public func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord? {
        book.withLock { $0.sales[sale]?.transfer(to: store, takeover: number) }
    }

    /// Raises the epoch above a store's.
    public func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord? {
        try book.withLock { book throws(SeckillError) in
            try book.raiseEpoch(of: sale, above: epoch, acceptingLoss: acceptingLoss)
        }
    }

    /// Begins the next epoch.
    public func beginEpoch(
        after epoch: Int,
        of sale: SaleID,
        in store: StoreName
    ) async throws -> BeginEpochOutcome? {
        try book.withLock { book throws(SeckillError) in try book.beginEpoch(after: epoch, of: sale, in: store) }
    }
}

extension MemoryOrderLedger: RejectionRegister {
    /// Latest first.
    public func rejections(of sale: SaleID, limit: Int) async throws -> [Order] {
        book.withLock { ($0.rejected[sale] ?? []).suffix(max(0, limit)).reversed() }
    }
}

/// The rows of a ledger and the rules of changing them. A plain value; its owner locks it.
private struct LedgerBook: Sendable {
    struct SaleRow: Sendable {
        var record: SaleRecord { didSet { isChanged = true } }
        /// Whether the record has changed since its change was last numbered.
        var isChanged = true
        /// The number of its last change.
        var change = 0
        var live = 0
        var held: [UserID: Int] = [:]
        var restocks: Set<String> = []

        mutating func setAdmission(_ admission: Admission) -> SaleRecord {
            if record.admission != .closed, record.admission != admission {
                record.admission = admission
                record.revision += 1
            }
            return record
        }

        mutating func transfer(to store: StoreName?, takeover number: Int) -> SaleRecord {
            if number > record.takeover {
                record.holder = store
                record.takeover = number
            }
            return record
        }
    }

    struct Deadline: Comparable, Sendable {
        var payBy: Timestamp
        var order: OrderID
        static func < (a: Deadline, b: Deadline) -> Bool { (a.payBy, a.order.text) < (b.payBy, b.order.text) }
    }

    private static let maxStock = 1_000_000_000
    var sales: [SaleID: SaleRow] = [:]
    /// The number of the last change of any sale.
    private var change = 0
    var orders: [OrderID: Order] = [:]
    var ordersOf: [UserID: [OrderID]] = [:]
    var rejected: [SaleID: [Order]] = [:]
    /// Still to be made, oldest first.
    var returns: [StockReturn] = []
    var deadlines = Heap<Deadline>()

    /// Changes are numbered when they are asked for: what has changed twice by then has changed once.
    mutating func sales(changedAfter asked: Int) -> SaleListing {
        let changed = sales.filter(\.value.isChanged).keys
        if !changed.isEmpty { change += 1 }
        for sale in changed {
            sales[sale]?.change = change
            sales[sale]?.isChanged = false
        }
        let since = asked <= change ? asked : 0
        let records = sales.values.filter { $0.change > since }.map(\.record)
        return SaleListing(records.sorted { $0.sale.id.text < $1.sale.id.text }, change: change)
    }

    mutating func create(_ sale: Sale) -> CreateSaleOutcome {
        guard let row = sales[sale.id] else {
            let record = SaleRecord(sale)
            sales[sale.id] = SaleRow(record: record)
            return .created(record)
        }
        return row.record.sale == sale ? .existing(row.record) : .conflict(row.record)
    }

    mutating func restock(_ sale: SaleID, adding units: Int, id: String) throws(SeckillError) -> SaleRecord? {
        guard var row = sales[sale] else { return nil }
        guard row.restocks.insert(id).inserted else { return row.record }
        guard units > 0, units <= Self.maxStock - row.record.stock else {
            throw SeckillError(.invalid, "a restock adds at least 1 unit, and a sale holds 10^9 at most")
        }
        row.record.stock += units
        row.record.totals.stock += units
        row.record.revision += 1
        sales[sale] = row
        // In epoch 0 there is no store yet that could miss them: the first install counts them in.
        if row.record.epoch > 0 {
            write(StockReturn(id: id, sale: sale, epoch: row.record.epoch, units: units, user: nil))
        }
        return row.record
    }

    mutating func record(_ reservations: [Reservation], at now: Timestamp) throws(SeckillError) -> [Order] {
        for reservation in reservations { try validate(reservation) }
        return reservations.map { record($0, at: now) }
    }

    private mutating func record(_ reservation: Reservation, at now: Timestamp) -> Order {
        if let order = orders[reservation.order] { return order }
        let row = sales[reservation.order.sale]!
        if reservation.order.epoch < row.record.epoch { return add(reservation, rejected: .lost) }
        if row.live >= row.record.stock { return add(reservation, rejected: .soldOut) }
        if row.held[reservation.user, default: 0] >= row.record.sale.limitPerUser {
            return add(reservation, rejected: .limitReached)
        }
        let payBy = now + row.record.sale.paymentWindow
        sales[reservation.order.sale]!.live += 1
        sales[reservation.order.sale]!.held[reservation.user, default: 0] += 1
        deadlines.insert(Deadline(payBy: payBy, order: reservation.order))
        return add(reservation, .awaitingPayment, payBy: payBy)
    }

    mutating func reject(_ reservation: Reservation, because reason: RejectionReason) throws(SeckillError) -> Order {
        try validate(reservation)
        if let order = orders[reservation.order] { return order }
        return add(reservation, rejected: reason)
    }

    private func validate(_ reservation: Reservation) throws(SeckillError) {
        guard let epoch = sales[reservation.order.sale]?.record.epoch else {
            throw SeckillError(.invalid, "an order names a sale that the ledger does not have")
        }
        guard reservation.order.epoch <= epoch else {
            throw SeckillError(.invalid, "an order is of a later epoch than its sale")
        }
    }

    private mutating func add(_ reservation: Reservation, rejected reason: RejectionReason) -> Order {
        let sale = reservation.order.sale
        // A unit of an epoch that is over was counted back in by the rebuild.
        if reservation.order.epoch == sales[sale]!.record.epoch {
            write(
                StockReturn(
                    id: reservation.order.text,
                    sale: sale,
                    epoch: reservation.order.epoch,
                    units: 1,
                    user: reservation.user
                )
            )
        }
        return add(reservation, .rejected, reason: reason)
    }

    private mutating func add(
        _ reservation: Reservation,
        _ status: OrderStatus,
        payBy: Timestamp? = nil,
        reason: RejectionReason? = nil
    ) -> Order {
        let order = Order(
            id: reservation.order,
            user: reservation.user,
            status: status,
            sequence: reservation.sequence,
            payBy: payBy,
            reason: reason
        )
        let sale = reservation.order.sale
        sales[sale]!.record.orders += 1
        if reservation.order.epoch == sales[sale]!.record.epoch {
            sales[sale]!.record.sequence = max(sales[sale]!.record.sequence, reservation.sequence)
            sales[sale]!.record.recorded += 1
        }
        orders[order.id] = order
        ordersOf[order.user, default: []].append(order.id)
        if order.status == .rejected { rejected[sale, default: []].append(order) }
        sales[sale]!.record.totals.count(order, 1)
        return order
    }

    mutating func pay(_ id: OrderID, at now: Timestamp) -> SettleOutcome {
        guard var order = orders[id] else { return .unknown }
        if order.status == .paid { return .done(order) }
        guard order.status == .awaitingPayment, let payBy = order.payBy, now < payBy else { return .refused(order) }
        sales[id.sale]!.record.totals.count(order, -1)
        order.status = .paid
        sales[id.sale]!.record.totals.count(order, 1)
        orders[id] = order
        return .done(order)
    }

    mutating func cancel(_ id: OrderID) -> SettleOutcome {
        guard let order = orders[id] else { return .unknown }
        if order.status == .cancelled { return .done(order) }
        guard order.status == .awaitingPayment else { return .refused(order) }
        return .done(end(order, as: .cancelled))
    }

    mutating func expire(dueAt now: Timestamp, limit: Int) -> [Order] {
        var expired: [Order] = []
        while expired.count < limit, let first = deadlines.min, first.payBy <= now {
            deadlines.removeMin()
            guard let order = orders[first.order], order.status == .awaitingPayment else { continue }
            expired.append(end(order, as: .expired))
        }
        return expired
    }

    private mutating func end(_ order: Order, as status: OrderStatus) -> Order {
        let sale = order.id.sale
        sales[sale]!.record.totals.count(order, -1)
        var order = order
        order.status = status
        sales[sale]!.record.totals.count(order, 1)
        orders[order.id] = order
        sales[sale]!.live -= 1
        sales[sale]!.held[order.user]! -= 1
        let epoch = sales[sale]!.record.epoch
        write(StockReturn(id: order.id.text, sale: sale, epoch: epoch, units: 1, user: order.user))
        return order
    }

    private mutating func write(_ unit: StockReturn) {
        returns.append(unit)
        sales[unit.sale]!.record.totals.returning += unit.units
    }

    mutating func markReturnsApplied(_ made: Set<StockReturn>) {
        let applied = returns.filter { made.contains($0) }
        for unit in applied { sales[unit.sale]!.record.totals.returning -= unit.units }
        returns.removeAll { made.contains($0) }
    }

    mutating func beginEpoch(
        after epoch: Int,
        of sale: SaleID,
        in store: StoreName
    ) throws(SeckillError) -> BeginEpochOutcome? {
        guard let row = sales[sale] else { return nil }
        guard row.record.holder == store else { return .heldElsewhere(row.record.holder) }
        guard row.record.epoch == epoch else { return .superseded }
        try raise(sale, to: epoch + 1)
        sales[sale]!.record.installed = row.record.stock - row.live
        return .begun(
            InstalledStock(
                terms: row.record.terms,
                epoch: epoch + 1,
                remaining: row.record.stock - row.live,
                held: row.held.filter { $0.value > 0 },
                orders: row.record.orders
            )
        )
    }

    mutating func raiseEpoch(
        of sale: SaleID,
        above epoch: Int,
        acceptingLoss: Bool
    ) throws(SeckillError) -> SaleRecord? {
        guard let present = sales[sale]?.record.epoch else { return nil }
        if acceptingLoss || present <= epoch { try raise(sale, to: max(present, epoch) + 1) }
        if acceptingLoss { sales[sale]!.record.restoredEpoch = sales[sale]!.record.epoch }
        return sales[sale]!.record
    }

    private mutating func raise(_ sale: SaleID, to epoch: Int) throws(SeckillError) {
        try StockSnapshot.check(epoch: epoch)
        sales[sale]!.record.epoch = epoch
        sales[sale]!.record.sequence = 0
        sales[sale]!.record.recorded = 0
        sales[sale]!.record.installed = 0
        sales[sale]!.record.totals.returning = 0
        returns.removeAll { $0.sale == sale }
    }
}

extension SaleTotals {
    /// Adds `number` orders like `order`.
    fileprivate mutating func count(_ order: Order, _ number: Int) {
        switch order.status {
        case .queued: break
        case .awaitingPayment: awaiting += number
        case .paid: paid += number
        case .expired: expired += number
        case .cancelled: cancelled += number
        case .rejected:
            rejected += number
            if order.reason == .undeliverable { deadLettered += number }
        }
    }
}

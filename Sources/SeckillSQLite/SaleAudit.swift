internal import GRDB
internal import SeckillCore

/// The audit of one sale.
struct SaleAudit {
    private(set) var totals: SaleTotals
    private(set) var violations: [LedgerAudit.Violation] = []
    private let book: SaleBook
    private var held: [UserID: Int] = [:]
    private var seal: Int64 = 0
    private var sequence = 0

    init(_ book: SaleBook) throws {
        self.book = book
        totals = SaleTotals(stock: book.record.stock)
        try readOrders()
        try readReturns()
        checkSums()
        checkPromises()
        if try book.isAltered { find("altered_sale", "its row is not as the ledger wrote it") }
    }

    private mutating func find(_ name: String, _ detail: String) {
        violations.append(LedgerAudit.Violation(name: name, sale: book.record.sale.id, detail: detail))
    }

    // MARK: Orders

    private mutating func readOrders() throws {
        let rows = try Row.fetchCursor(
            book.db,
            sql: """
                SELECT \(OrderRow.columns), id_hash, user_hash, epoch, settled_at,
                    (SELECT count(*) FROM stock_return WHERE purchase = purchase.key),
                    (SELECT min(epoch) FROM stock_return WHERE purchase = purchase.key)
                FROM purchase WHERE sale = ?
                """,
            arguments: [book.key]
        )
        while let row = try rows.next() {
            guard let order = try? OrderRow(row) else {
                find("altered_order", "order \(row[1] as String) is not as the ledger wrote it")
                continue
            }
            add(order)
            check(order, idHash: row[10], userHash: row[11], epoch: row[12], settledAt: row[13])
            checkReturn(of: order, epoch: row[12], count: row[14], writtenIn: row[15])
        }
        let doubles = try String.fetchAll(
            book.db,
            sql: "SELECT id FROM purchase WHERE sale = ? GROUP BY id HAVING count(*) > 1",
            arguments: [book.key]
        )
        for id in doubles { find("double_order", "order \(id) has several rows") }
    }

    private mutating func add(_ row: OrderRow) {
        totals.add(1, to: row.order.status)
        if row.order.reason == .undeliverable { totals.deadLettered += 1 }
        if row.order.status.isLive { held[row.order.user, default: 0] += 1 }
        if row.order.id.epoch == book.record.epoch { sequence = max(sequence, row.order.sequence) }
        seal &+= row.seal
    }

    private mutating func check(_ row: OrderRow, idHash: Int64, userHash: Int64, epoch: Int, settledAt: Int64?) {
        let order = row.order
        if order.id.sale != book.record.sale.id || order.id.epoch != epoch || idHash != Fingerprint.of(order.id.text)
            || userHash != Fingerprint.of(order.user.text)
        {
            find("altered_order", "order \(order.id) cannot be found by its id or user")
        }
        if row.recordedEpoch > book.record.epoch {
            find("later_epoch", "order \(order.id) is of epoch \(row.recordedEpoch), the sale of \(book.record.epoch)")
        }
        guard let settledAt, let payBy = order.payBy?.milliseconds else { return }
        if order.status == .paid, settledAt >= payBy {
            find("paid_late", "order \(order.id) was paid past its deadline")
        }
        if order.status == .expired, settledAt < payBy {
            find("expired_early", "order \(order.id) expired before its deadline")
        }
    }

    /// An order that ended gave its unit back, once; a live one has not, and neither has one that never held a unit.
    private mutating func checkReturn(of row: OrderRow, epoch: Int, count: Int, writtenIn: Int?) {
        let ended = row.order.status == .rejected ? epoch == row.recordedEpoch : !row.order.status.isLive
        if ended, count == 0 { find("missing_return", "order \(row.order.id) ended and its unit never went back") }
        if !ended, count > 0 { find("undue_return", "order \(row.order.id) has a return that it must not have") }
        if count > 1 { find("double_return", "order \(row.order.id) gave its unit back \(count) times") }
        if let writtenIn, writtenIn < row.recordedEpoch {
            find("undue_return", "the return of order \(row.order.id) is older than the order")
        }
    }

    // MARK: Returns

    private mutating func readReturns() throws {
        let epoch = book.record.epoch
        let row = try Row.fetchOne(
            book.db,
            sql: """
                SELECT coalesce(sum(units) FILTER (WHERE state = 'open'), 0),
                    coalesce(sum(units) FILTER (WHERE state = 'open' AND epoch < :epoch), 0),
                    coalesce(sum(units) FILTER (WHERE epoch > :epoch), 0),
                    coalesce(sum(units) FILTER (WHERE restock IS NOT NULL), 0)
                FROM stock_return WHERE sale = :sale
                """,
            arguments: ["epoch": epoch, "sale": book.key]
        )!
        totals.returning = row[0]
        if row[1] > 0 {
            find("stranded_units", "\(row[1] as Int) units are on their way back to an epoch that is over")
        }
        if row[2] > 0 { find("later_epoch", "\(row[2] as Int) units are on their way back from a later epoch") }
        let declared = book.record.sale.stock + (row[3] as Int)
        if book.record.stock != declared {
            find("wrong_stock", "the stock is \(book.record.stock), declared and restocked were \(declared)")
        }
    }

    // MARK: Sums and promises

    private mutating func checkSums() {
        let (rows, kept) = (totals.orders, book.totals.orders)
        if rows < kept { find("lost_order", "\(kept - rows) of \(kept) recorded orders are gone") }
        if rows > kept { find("unknown_order", "\(rows - kept) orders were never recorded by a ledger") }
        if rows == kept, seal != book.ordersSeal { find("altered_order", "orders are not as the ledger wrote them") }
        if totals != book.totals, rows == kept {
            find("wrong_sums", "the rows add up to \(totals), the ledger kept \(book.totals)")
        }
        if sequence > book.record.sequence {
            find("wrong_sequence", "order \(sequence) is recorded, the ledger knows of \(book.record.sequence)")
        }
    }

    private mutating func checkPromises() {
        let live = totals.awaiting + totals.paid
        if live > totals.stock { find("oversold", "\(live) live orders for \(totals.stock) units") }
        let limit = book.record.sale.limitPerUser
        for (user, count) in held.sorted(by: { $0.key.text < $1.key.text }) where count > limit {
            find("over_limit", "user \(user) holds \(count) live orders, the limit is \(limit)")
        }
    }
}

extension SaleTotals {
    fileprivate var orders: Int { awaiting + paid + expired + cancelled + rejected }
}

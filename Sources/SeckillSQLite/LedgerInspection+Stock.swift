internal import GRDB
internal import SeckillCore

extension LedgerInspection {
    /// Compares the orders and returns of each sale with what the stock store said a moment before.
    mutating func compare(with books: [StockBooks]) throws {
        for book in books {
            guard let index = audit.sales.firstIndex(where: { $0.record.sale.id == book.sale }) else { continue }
            let record = audit.sales[index].record
            let knowsMore = audit.checkOrders(known: book.stock, orders: book.orders, of: record)
            guard book.isTrusted, record.epoch == book.stock.epoch else { continue }
            let key = try Int64.fetchOne(db, sql: "SELECT key FROM sale WHERE id = ?", arguments: [book.sale.text])
            guard let key else { continue }
            var stock = book.stock
            let table = try OrderTable(db)
            stock.pending = try book.pending.count { reservation in
                if case .free = try table.place(of: reservation.order, in: key) { true } else { false }
            }
            let recorded = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM purchase WHERE sale = ? AND epoch = ?",
                arguments: [key, stock.epoch]
            )
            let lost = stock.sequence &- stock.pending &- (recorded ?? 0)
            if lost > 0, !knowsMore {
                add(.lostOrder, book.sale, "\(lost) orders have left the stock store and have no row")
            }
            guard record.sequence <= stock.sequence else { continue }
            audit.sales[index].stock = stock
            let totals = audit.sales[index].totals
            let returning = try unitsOnTheirWay(of: key, epoch: stock.epoch, to: book)
            let units = stock.remaining &+ stock.pending &+ totals.awaiting &+ totals.paid &+ returning
            if units != totals.stock {
                add(.unbalanced, book.sale, "stock store, orders and returns add up to \(units) of \(totals.stock)")
            } else if stock.installed != record.installed {
                add(.unbalanced, book.sale, stock.installedDetail(record))
            }
        }
    }

    /// Units of pending returns that the store does not have yet.
    private func unitsOnTheirWay(of sale: Int64, epoch: Int, to book: StockBooks) throws -> Int {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT coalesce(purchase.id, restock), units FROM stock_return
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                WHERE stock_return.sale = ? AND stock_return.epoch = ? AND state = 'open'
                """,
            arguments: [sale, epoch]
        )
        var units = 0
        while let row = try rows.next() {
            let id: String = try row.decode(atIndex: 0)
            if !book.hasApplied(id) { units &+= try row.decode(Int.self, atIndex: 1) }
        }
        return units
    }
}

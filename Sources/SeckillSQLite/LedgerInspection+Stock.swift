internal import GRDB
internal import SeckillCore

extension LedgerInspection {
    /// Compares the orders and returns of each sale with what the stock store said a moment before.
    mutating func compare(with books: [StockBooks]) throws {
        for book in books {
            guard let index = audit.sales.firstIndex(where: { $0.record.sale.id == book.sale }),
                audit.sales[index].record.epoch == book.stock.epoch
            else { continue }
            let key = try Int64.fetchOne(db, sql: "SELECT key FROM sale WHERE id = ?", arguments: [book.sale.text])
            guard let key else { continue }
            var stock = book.stock
            stock.pending = try book.pending.count { try !isRecorded($0.order, of: key) }
            let recorded = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM purchase WHERE sale = ? AND epoch = ?",
                arguments: [key, stock.epoch]
            )
            let lost = stock.sequence - stock.pending - (recorded ?? 0)
            if lost > 0 { add(.lostOrder, book.sale, "\(lost) orders have left the stock store and have no row") }
            guard audit.sales[index].record.sequence <= stock.sequence else { continue }
            audit.sales[index].stock = stock
            let totals = audit.sales[index].totals
            let returning = try unitsOnTheirWay(of: key, to: book)
            let units = stock.remaining + stock.pending + totals.awaiting + totals.paid + returning
            if units != totals.stock {
                add(.unbalanced, book.sale, "stock store, orders and returns add up to \(units) of \(totals.stock)")
            }
        }
    }

    private func isRecorded(_ order: OrderID, of sale: Int64) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM purchase WHERE sale = ? AND id_hash = ? AND id = ?")
        return try Bool.fetchOne(statement, arguments: [sale, Fingerprint.of(order.text), order.text]) ?? false
    }

    /// Units of open returns that the store has not got yet.
    private func unitsOnTheirWay(of sale: Int64, to book: StockBooks) throws -> Int {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT coalesce(purchase.id, restock), units FROM stock_return
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                WHERE stock_return.sale = ? AND state = 'open'
                """,
            arguments: [sale]
        )
        var units = 0
        while let row = try rows.next() {
            let id: String = try row.decode(atIndex: 0)
            if !book.hasApplied(id) { units += try row.decode(Int.self, atIndex: 1) }
        }
        return units
    }
}

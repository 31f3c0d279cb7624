internal import GRDB
internal import SeckillCore

/// Finds orders whose payment is overdue, and passes over what is damaged.
struct DueOrders {
    let now: Timestamp
    /// Rows that have been tried already.
    var excluded: Set<Int64> = []

    init(at now: Timestamp) { self.now = now }

    /// Up to `limit` orders, oldest deadline first: fewer only if there are no more.
    func read(limit: Int, _ db: Database) throws -> [OrderRow] {
        var damaged: Set<Int64> = []
        while true {
            let (orders, sale) = try read(limit: limit, except: damaged, db)
            guard let sale else { return orders }
            damaged.insert(sale)
        }
    }

    /// - Returns: The orders, or the key of a damaged sale in whose orders the search ended.
    private func read(
        limit: Int,
        except damaged: Set<Int64>,
        _ db: Database
    ) throws -> (orders: [OrderRow], damagedSale: Int64?) {
        // The index holds all that the condition needs: orders of a damaged sale cost next to nothing.
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(OrderRow.columns), sale FROM purchase
                WHERE status = 'awaiting_payment' AND pay_by <= ? AND sale NOT IN (SELECT value FROM json_each(?))
                ORDER BY pay_by, sale, key
                """
        )
        let list = "[\(damaged.sorted().map(String.init).joined(separator: ","))]"
        let rows = try Row.fetchCursor(statement, arguments: [now.milliseconds, list])
        var sales: [Int64: SaleID] = [:]
        var orders: [OrderRow] = []
        while orders.count < limit, let row = try rows.next() {
            let (key, sale): (Int64, Int64) = try (row.decode(atIndex: 0), row.decode(atIndex: OrderRow.columnCount))
            if excluded.contains(key) { continue }
            do {
                if sales[sale] == nil { sales[sale] = try SaleBook.at(sale, db).record.sale.id }
            } catch is LedgerDamage {
                return ([], sale)
            }
            do {
                let order = try OrderRow(row)
                if order.order.id.sale == sales[sale] { orders.append(order) }
            } catch is LedgerDamage {
                continue
            }
        }
        return (orders, nil)
    }
}

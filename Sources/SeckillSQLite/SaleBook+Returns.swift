internal import GRDB
internal import SeckillCore

/// Units on their way back, and the epoch that makes an end of it. The caller saves the book afterwards.
extension SaleBook {
    private static let maxStock = 1_000_000_000

    func restock(adding units: Int, id: String) throws -> SaleRecord {
        let known = try db.cachedStatement(sql: "SELECT 1 FROM stock_return WHERE sale = ? AND restock = ?")
        if try Row.fetchOne(known, arguments: [key, id]) != nil { return record }
        guard units > 0, units <= Self.maxStock - record.stock else {
            throw SeckillError(.invalid, "a restock adds at least 1 unit, and a sale holds 10^9 at most")
        }
        record.stock += units
        record.revision += 1
        try addReturn(units: units, restock: id)
        return record
    }

    func addReturn(units: Int, purchase: Int64? = nil, restock: String? = nil) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO stock_return (sale, epoch, units, purchase, restock, state) VALUES (?, ?, ?, ?, ?, 'open')
                """
        )
        try statement.execute(arguments: [key, record.epoch, units, purchase, restock])
        sums.returning += units
    }

    /// Marks a return as made, if it is open.
    func close(_ made: StockReturn) throws {
        let purchase = try OrderID(made.id).flatMap { try OrderRow.find($0, db)?.key }
        let statement = try db.cachedStatement(
            sql: """
                UPDATE stock_return SET state = 'done'
                WHERE sale = ? AND epoch = ? AND state = 'open' AND \(purchase == nil ? "restock" : "purchase") = ?
                RETURNING units
                """
        )
        let source = purchase?.databaseValue ?? made.id.databaseValue
        sums.returning -= try Int.fetchOne(statement, arguments: [key, made.epoch, source]) ?? 0
    }

    /// Raises the epoch by one, if it is `epoch`: every open return is absorbed by what the store is then to hold.
    func beginEpoch(after epoch: Int) throws -> InstalledStock? {
        guard record.epoch == epoch else { return nil }
        record.epoch += 1
        record.sequence = 0
        let absorb = try db.cachedStatement(
            sql: "UPDATE stock_return SET state = 'absorbed' WHERE sale = ? AND state = 'open'"
        )
        try absorb.execute(arguments: [key])
        sums.returning = 0
        return InstalledStock(
            terms: record.terms,
            epoch: record.epoch,
            remaining: record.stock - sums.awaiting - sums.paid,
            held: try held()
        )
    }

    /// Live orders of each user who has any.
    private func held() throws -> [UserID: Int] {
        // Counted here: SQLite would sort them first.
        let statement = try db.cachedStatement(sql: "SELECT user FROM purchase WHERE sale = ? AND live = 1")
        var held: [UserID: Int] = [:]
        held.reserveCapacity(sums.awaiting + sums.paid)
        let users = try String.fetchCursor(statement, arguments: [key])
        while let text = try users.next() {
            guard let user = UserID(text) else { throw LedgerDamage(what: "a user's name") }
            held[user, default: 0] += 1
        }
        return held
    }
}

extension StockReturn {
    /// Returns that are still to be made, oldest first, without those of `sales`.
    static func open(limit: Int, except sales: Set<SaleID>, _ db: Database) throws -> [StockReturn] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT coalesce(purchase.id, stock_return.restock), sale.id, stock_return.epoch, units, user
                FROM stock_return
                JOIN sale ON sale.key = stock_return.sale
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                WHERE state = 'open' AND sale.id NOT IN (\(databaseQuestionMarks(count: sales.count)))
                ORDER BY stock_return.key LIMIT ?
                """
        )
        return try Row.fetchAll(statement, arguments: StatementArguments(sales.map(\.text)) + [max(0, limit)]).map {
            row in
            var columns = Columns(row)
            let (id, saleID): (String, String) = try (columns.next(), columns.next())
            let (epoch, units): (Int, Int) = try (columns.next(), columns.next())
            let user = (try columns.next() as String?).map { UserID($0) }
            guard let sale = SaleID(saleID), user != .some(nil) else { throw LedgerDamage(what: "return \(id)") }
            return StockReturn(id: id, sale: sale, epoch: epoch, units: units, user: user ?? nil)
        }
    }
}

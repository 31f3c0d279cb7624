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
        try settlements().addReturn(units: units, of: self, purchase: purchase, restock: restock)
        sums.returning += units
    }

    /// Marks a return as applied, if it is pending.
    func markApplied(_ applied: StockReturn, in orders: OrderTable) throws {
        // What belongs to an epoch that is over was absorbed, and counts no more.
        guard applied.epoch == record.epoch else { return }
        let table = try settlements()
        if let order = OrderID(applied.id), case .row(let key) = try orders.place(of: order, in: key) {
            sums.returning -= try table.markApplied(order: key, of: self)
        } else {
            sums.returning -= try table.markApplied(restock: applied.id, of: self)
        }
    }

    // MARK: The fence

    /// Names the store that may hold the sale, if the takeover is later than the last.
    func transfer(to store: StoreName?, takeover number: Int) {
        guard number > record.takeover else { return }
        record.holder = store
        record.takeover = number
    }

    /// Raises the epoch by one, if it is `epoch` and `store` holds the sale. What is returned lacks the users.
    func beginEpoch(after epoch: Int, in store: StoreName) throws -> BeginEpochOutcome {
        guard record.holder == store else { return .heldElsewhere(record.holder) }
        guard record.epoch == epoch else { return .superseded }
        try raise(to: epoch + 1)
        record.installed = record.stock - sums.awaiting - sums.paid
        return .begun(
            InstalledStock(
                terms: record.terms,
                epoch: record.epoch,
                remaining: record.installed,
                held: [:],
                orders: record.orders
            )
        )
    }

    /// Raises the epoch above `epoch`, as one that no store holds.
    func raiseEpoch(above epoch: Int, acceptingLoss: Bool) throws {
        guard acceptingLoss || record.epoch <= epoch else { return }
        guard epoch < StockSnapshot.maxEpoch else { return try StockSnapshot.check(epoch: StockSnapshot.maxEpoch + 1) }
        try raise(to: max(record.epoch, epoch) + 1)
        if acceptingLoss { record.restoredEpoch = record.epoch }
    }

    /// Begins an epoch. Returns of earlier ones are absorbed by that: what a store is given next counts them in.
    private func raise(to epoch: Int) throws {
        try StockSnapshot.check(epoch: epoch)
        record.epoch = epoch
        record.sequence = 0
        record.recorded = 0
        record.installed = 0
        sums.returning = 0
    }
}

/// Who held units when an epoch began.
enum HeldUnits {
    /// Counts the live orders that each user had when `epoch` of `sale` began, in a later transaction. Nil if the sale is
    /// in another epoch.
    ///
    /// Until its stock is installed nothing is sold in the new epoch. So an order was live when the epoch began if it is
    /// live now, or has ended since and left a return of this epoch.
    static func read(epoch: Int, of sale: SaleID, _ db: Database) throws -> [UserID: Int]? {
        guard let book = try SaleBook.open(sale, db), book.record.epoch == epoch else { return nil }
        var held: [UserID: Int] = [:]
        // Counted here: SQLite would sort them first.
        try count(
            // In the order of minting, which is nearly that of the rows.
            "SELECT user FROM purchase INDEXED BY purchase_id WHERE sale = ? AND epoch < ? AND live = 1",
            [book.key, epoch],
            into: &held,
            db
        )
        try count(
            """
            SELECT user FROM stock_return JOIN purchase ON purchase.key = stock_return.purchase
            WHERE stock_return.sale = ? AND stock_return.epoch = ? AND state = 'open' AND purchase.epoch < stock_return.epoch
            """,
            [book.key, epoch],
            into: &held,
            db
        )
        return held
    }

    private static func count(
        _ sql: String,
        _ arguments: StatementArguments,
        into held: inout [UserID: Int],
        _ db: Database
    ) throws {
        let users = try String.fetchCursor(db, sql: sql, arguments: arguments)
        while let text = try users.next() {
            guard let user = UserID(text) else { throw LedgerDamage(what: "a user's name") }
            held[user, default: 0] += 1
        }
    }
}

/// Finds returns that no store has applied yet, and passes over what is damaged.
enum PendingReturns {
    /// Up to `limit` returns, oldest first, without those of `excluded` sales.
    static func read(limit: Int, excluding excluded: Set<SaleID>, _ db: Database) throws -> [StockReturn] {
        var sales: [SaleBook] = []
        for key in try Int64.fetchAll(db, sql: "SELECT key FROM sale WHERE returning_units > 0") {
            do {
                let book = try SaleBook.at(key, db)
                if !excluded.contains(book.record.sale.id) { sales.append(book) }
            } catch is LedgerDamage {
                continue
            }
        }
        var returns: [StockReturn] = []
        var last: Int64 = 0
        while returns.count < limit {
            let keys = try oldest(limit - returns.count, after: last, of: sales, db)
            guard let end = keys.last?.key else { break }
            last = end
            returns += try read(keys, db)
        }
        return returns
    }

    /// Reads the returns that have these keys, in this order, but for damaged ones.
    private static func read(_ keys: [(key: Int64, sale: SaleBook)], _ db: Database) throws -> [StockReturn] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT stock_return.key, stock_return.epoch, units, restock, purchase.id, user, live, purchase.sale
                FROM json_each(?) JOIN stock_return ON stock_return.key = value
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                ORDER BY json_each.key
                """
        )
        let list = "[\(keys.map { String($0.key) }.joined(separator: ","))]"
        let rows = try Row.fetchCursor(statement, arguments: [list])
        var returns: [StockReturn] = []
        returns.reserveCapacity(keys.count)
        for (_, sale) in keys {
            // A key that was found a moment ago, in this transaction, has a row.
            guard let row = try rows.next() else { throw LedgerDamage(what: "a return") }
            do {
                returns.append(try StockReturn(row, of: sale))
            } catch is LedgerDamage {
                continue
            }
        }
        return returns
    }

    /// The keys of the oldest returns over all sales.
    private static func oldest(
        _ limit: Int,
        after last: Int64,
        of sales: [SaleBook],
        _ db: Database
    ) throws -> [(key: Int64, sale: SaleBook)] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT key FROM stock_return
                WHERE sale = ? AND epoch = ? AND state = 'open' AND key > ? AND key < ? ORDER BY key LIMIT ?
                """
        )
        var keys: [(key: Int64, sale: SaleBook)] = []
        for sale in sales {
            // Only what is older than the last of those that are there already can be among the oldest.
            let end = keys.count == limit ? keys[limit - 1].key : .max
            let found = try Int64.fetchAll(statement, arguments: [sale.key, sale.record.epoch, last, end, limit])
            if found.isEmpty { continue }
            keys += found.map { ($0, sale) }
            keys.sort { $0.key < $1.key }
            keys.removeLast(max(0, keys.count - limit))
        }
        return keys
    }
}

extension StockReturn {
    /// - Throws: ``LedgerDamage`` if the row is not one that a ledger writes.
    fileprivate init(_ row: Row, of sale: SaleBook) throws {
        var columns = Columns(row)
        let key: Int64 = try columns.next()
        let damage = LedgerDamage(what: "return \(key)")
        let (epoch, units): (Int, Int) = try (columns.next(), columns.next())
        guard units >= 1, units <= sale.record.stock else { throw damage }
        if let restock = try columns.next() as String? {
            self.init(id: restock, sale: sale.record.sale.id, epoch: epoch, units: units, user: nil)
            return
        }
        guard let id = (try columns.next() as String?).flatMap({ OrderID($0) }),
            let user = (try columns.next() as String?).flatMap({ UserID($0) }),
            try !columns.next(), try columns.next() == sale.key, id.sale == sale.record.sale.id, units == 1
        else { throw damage }
        self.init(id: id.text, sale: id.sale, epoch: epoch, units: units, user: user)
    }
}

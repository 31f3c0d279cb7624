internal import GRDB
internal import SeckillCore

/// One sale within one transaction: its row, read once, changed in memory and saved once.
final class SaleBook {
    private static let declaration = [
        "id", "title", "price", "currency", "initial_stock", "limit_per_user", "opens_at", "closes_at",
        "payment_window",
    ]
    private static let standing = [
        "stock", "admission", "epoch", "revision", "sequence", "awaiting", "paid", "expired", "cancelled", "rejected",
        "dead_lettered", "returning_units", "orders_seal", "holder", "takeover", "recorded", "installed",
        "restored_epoch",
    ]
    /// More than any number that a ledger writes, and little enough to add them up.
    private static let limit = 1 << 53
    private static let sealed = declaration + standing

    /// What a transaction may change.
    struct State: Equatable {
        var record: SaleRecord
        var ordersSeal: Int64
    }

    let db: Database
    let key: Int64
    var record: SaleRecord { didSet { record.totals.stock = record.stock } }
    var ordersSeal: Int64
    /// Whether the row is as the ledger wrote it.
    let isIntact: Bool
    private var saved: State
    private var preparedSettlements: SettlementTable?

    private init(
        _ db: Database,
        key: Int64,
        record: SaleRecord,
        sums: SaleTotals,
        ordersSeal: Int64,
        seal: Int64? = nil
    ) {
        self.db = db
        self.key = key
        self.record = record
        self.record.totals = sums
        self.record.totals.stock = record.stock
        self.ordersSeal = ordersSeal
        saved = State(record: self.record, ordersSeal: ordersSeal)
        isIntact = seal.map { $0 == Self.seal(record, sums, ordersSeal) } ?? true
    }

    var state: State {
        get { State(record: record, ordersSeal: ordersSeal) }
        set { (record, ordersSeal) = (newValue.record, newValue.ordersSeal) }
    }

    /// The sums over the sale's rows.
    var sums: SaleTotals {
        get { record.totals }
        set { record.totals = newValue }
    }

    // MARK: Reading

    /// - Throws: ``LedgerDamage`` if the sale's row was altered: the next save would seal what stands there.
    static func open(_ id: SaleID, _ db: Database) throws -> SaleBook? {
        let statement = try db.cachedStatement(sql: select + " WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).map { try intact($0, db) }
    }

    /// The sale that has `key`.
    static func at(_ key: Int64, _ db: Database) throws -> SaleBook {
        let statement = try db.cachedStatement(sql: select + " WHERE key = ?")
        guard let row = try Row.fetchOne(statement, arguments: [key]) else { throw LedgerDamage(what: "sale \(key)") }
        return try intact(row, db)
    }

    private static func intact(_ row: Row, _ db: Database) throws -> SaleBook {
        let book = try SaleBook(row, db)
        guard book.isIntact else { throw LedgerDamage(what: "sale \(book.record.sale.id)") }
        return book
    }

    /// The sales that have changed since `change`, by id; all of them if the ledger has not come that far.
    static func changed(after change: Int, _ db: Database) throws -> SaleListing {
        let numbers = try Int.fetchAll(db.cachedStatement(sql: "SELECT change FROM ledger"))
        guard let last = numbers.first else { throw LedgerDamage(what: "the ledger's identity") }
        if change == last { return SaleListing([], change: last) }
        let since = change > last ? 0 : change
        let statement = try db.cachedStatement(sql: select + " INDEXED BY sale_change WHERE change > ? ORDER BY id")
        let rows = try Row.fetchCursor(statement, arguments: [since])
        var (records, damaged): ([SaleRecord], [SaleID]) = ([], [])
        while let row = try rows.next() {
            do {
                records.append(try intact(row, db).record)
            } catch is LedgerDamage {
                damaged.append(try name(of: row, db))
            }
        }
        return SaleListing(records, damaged: damaged.sorted { $0.text < $1.text }, change: last)
    }

    /// What to call a sale whose row is damaged, perhaps in its id: its orders name it too.
    private static func name(of row: Row, _ db: Database) throws -> SaleID {
        let key: Int64 = try row.decode(atIndex: 0)
        let statement = try db.cachedStatement(sql: "SELECT id FROM purchase WHERE sale = ? LIMIT 1")
        let order = try String.fetchOne(statement, arguments: [key]).flatMap { OrderID($0) }
        let text: DatabaseValue = row[1]
        // A key is a number.
        return order?.sale ?? String.fromDatabaseValue(text).flatMap { SaleID($0) } ?? SaleID("damaged-\(key)")!
    }

    /// Whether the row of some sale is missing or damaged: it may be the one that cannot be found.
    static func isAnyDamaged(_ db: Database) throws -> Bool {
        let created = try Int.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'sale'") ?? 0
        let listing = try changed(after: 0, db)
        return !listing.damaged.isEmpty || listing.records.count < created
    }

    /// Every row as it is stored: key, what is sealed, seal.
    static func rows(_ db: Database) throws -> [Row] { try Row.fetchAll(db, sql: select) }

    private static let select = "SELECT key, \(sealed.joined(separator: ", ")), seal FROM sale"

    /// - Throws: ``LedgerDamage`` if the row is not one that a ledger writes.
    convenience init(_ row: Row, _ db: Database) throws {
        var columns = Columns(row)
        let key: Int64 = try columns.next()
        let id: String = try columns.next()
        guard let saleID = SaleID(id) else { throw LedgerDamage(what: "sale \(id)") }
        let sale: Sale
        do {
            sale = try Sale(
                id: saleID,
                title: columns.next(),
                price: columns.next(),
                currency: columns.next(),
                stock: columns.next(),
                limitPerUser: columns.next(),
                opensAt: Timestamp(milliseconds: columns.next()),
                closesAt: (columns.next() as Int64?).map(Timestamp.init(milliseconds:)),
                paymentWindow: .milliseconds(columns.next() as Int64)
            )
        } catch is SeckillError {
            throw LedgerDamage(what: "sale \(id)")
        }
        let stock: Int = try columns.next()
        guard let admission = Admission(rawValue: try columns.next()) else { throw LedgerDamage(what: "sale \(id)") }
        var record = SaleRecord(
            sale,
            stock: stock,
            admission: admission,
            epoch: try columns.next(),
            revision: try columns.next(),
            sequence: try columns.next()
        )
        let sums = SaleTotals(
            stock: stock,
            awaiting: try columns.next(),
            paid: try columns.next(),
            expired: try columns.next(),
            cancelled: try columns.next(),
            rejected: try columns.next(),
            deadLettered: try columns.next(),
            returning: try columns.next()
        )
        let ordersSeal: Int64 = try columns.next()
        record.holder = (try columns.next() as String?).map { StoreName($0) }
        record.takeover = try columns.next()
        record.recorded = try columns.next()
        record.installed = try columns.next()
        record.restoredEpoch = try columns.next()
        let numbers = [
            stock, record.epoch, record.revision, record.sequence, record.takeover, record.recorded, record.installed,
            record.restoredEpoch, sums.awaiting, sums.paid, sums.expired, sums.cancelled, sums.rejected,
            sums.deadLettered, sums.returning,
        ]
        guard numbers.allSatisfy((0...Self.limit).contains) else { throw LedgerDamage(what: "sale \(id)") }
        record.orders = sums.orders
        self.init(db, key: key, record: record, sums: sums, ordersSeal: ordersSeal, seal: try columns.next())
    }

    // MARK: Writing

    /// Statements that this transaction has prepared, or prepares now.
    func settlements() throws -> SettlementTable {
        let table = try preparedSettlements ?? SettlementTable(db)
        preparedSettlements = table
        return table
    }

    static func create(_ sale: Sale, _ db: Database) throws -> SaleBook {
        let book = SaleBook(db, key: 0, record: SaleRecord(sale), sums: SaleTotals(stock: 0), ordersSeal: 0)
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO sale (\(sealed.joined(separator: ", ")), seal)
                VALUES (\(Array(repeating: "?", count: sealed.count).joined(separator: ", ")), ?)
                """
        )
        try statement.execute(
            arguments: StatementArguments(
                declarationValues(sale) + standingValues(book.record, book.sums, 0) + [book.seal.databaseValue]
            )
        )
        return book
    }

    func save() throws {
        guard saved != state else { return }
        let statement = try db.cachedStatement(
            sql: "UPDATE sale SET \(Self.standing.map { "\($0) = ?" }.joined(separator: ", ")), seal = ? WHERE key = ?"
        )
        try statement.execute(
            arguments: StatementArguments(
                Self.standingValues(record, sums, ordersSeal) + [seal.databaseValue, key.databaseValue]
            )
        )
        saved = state
    }

    /// The fingerprint of the whole row.
    private var seal: Int64 { Self.seal(record, sums, ordersSeal) }

    private static func seal(_ record: SaleRecord, _ sums: SaleTotals, _ ordersSeal: Int64) -> Int64 {
        Fingerprint.of(declarationValues(record.sale) + standingValues(record, sums, ordersSeal))
    }

    private static func declarationValues(_ sale: Sale) -> [DatabaseValue] {
        [
            sale.id.text.databaseValue, sale.title.databaseValue, sale.price.databaseValue,
            sale.currency.databaseValue, sale.stock.databaseValue, sale.limitPerUser.databaseValue,
            sale.opensAt.milliseconds.databaseValue, sale.closesAt?.milliseconds.databaseValue ?? .null,
            sale.paymentWindow.milliseconds.databaseValue,
        ]
    }

    private static func standingValues(
        _ record: SaleRecord,
        _ sums: SaleTotals,
        _ ordersSeal: Int64
    ) -> [DatabaseValue] {
        [
            record.stock.databaseValue, record.admission.rawValue.databaseValue, record.epoch.databaseValue,
            record.revision.databaseValue, record.sequence.databaseValue, sums.awaiting.databaseValue,
            sums.paid.databaseValue, sums.expired.databaseValue, sums.cancelled.databaseValue,
            sums.rejected.databaseValue, sums.deadLettered.databaseValue, sums.returning.databaseValue,
            ordersSeal.databaseValue, record.holder?.text.databaseValue ?? .null, record.takeover.databaseValue,
            record.recorded.databaseValue, record.installed.databaseValue, record.restoredEpoch.databaseValue,
        ]
    }
}

/// The sales that one transaction touches: each is read once, and saved once at the end.
final class SaleBooks {
    let db: Database
    private var byID: [SaleID: SaleBook] = [:]
    /// The sales that the present attempt has asked for, as they were before it.
    private var before: [SaleID: SaleBook.State]?
    private var preparedOrders: OrderTable?

    init(_ db: Database) { self.db = db }

    /// Statements that this transaction has prepared, or prepares now.
    func orders() throws -> OrderTable {
        let table = try preparedOrders ?? OrderTable(db)
        preparedOrders = table
        return table
    }

    /// - Throws: ``LedgerDamage`` if the sale's row was altered.
    func sale(_ id: SaleID) throws -> SaleBook? {
        guard let book = try byID[id] ?? SaleBook.open(id, db) else { return nil }
        byID[id] = book
        if before != nil, before?[id] == nil { before?[id] = book.state }
        return book
    }

    /// Runs a part of the transaction. If it fails, the sales are as they were before it.
    func attempt<Value>(_ body: (SaleBooks) throws -> Value) throws -> Value {
        before = [:]
        defer { before = nil }
        do {
            return try body(self)
        } catch {
            for (id, state) in before ?? [:] { byID[id]?.state = state }
            throw error
        }
    }

    /// The book that a reservation goes into.
    func sale(_ reservation: Reservation) throws -> SaleBook {
        guard let book = try sale(reservation.order.sale) else { throw UnknownSale(id: reservation.order.sale) }
        return book
    }

    func save() throws {
        for book in byID.values.sorted(by: { $0.key < $1.key }) { try book.save() }
    }
}

/// An order names a sale that cannot be found.
struct UnknownSale: Error {
    var id: SaleID

    /// An order that can never be recorded is given up. One whose sale may be damaged must wait for the repair.
    func error(_ db: Database) throws -> SeckillError {
        if try SaleBook.isAnyDamaged(db) {
            return SeckillError(
                .damaged,
                "sale \(id) cannot be found, and the row of some sale is damaged: run the audit"
            )
        }
        return SeckillError(.invalid, "an order names a sale that the ledger does not have")
    }
}

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
        "dead_lettered", "returning_units", "orders_seal",
    ]
    private static let sealed = declaration + standing

    let db: Database
    let key: Int64
    var record: SaleRecord
    /// The sums over the sale's rows; the stock is the record's.
    var sums: SaleTotals
    var ordersSeal: Int64
    private var saved: (SaleRecord, SaleTotals, Int64)

    private init(_ db: Database, key: Int64, record: SaleRecord, sums: SaleTotals, ordersSeal: Int64) {
        self.db = db
        self.key = key
        self.record = record
        self.sums = sums
        self.ordersSeal = ordersSeal
        saved = (record, sums, ordersSeal)
    }

    var totals: SaleTotals {
        var totals = sums
        totals.stock = record.stock
        return totals
    }

    // MARK: Reading

    static func open(_ id: SaleID, _ db: Database) throws -> SaleBook? {
        let statement = try db.cachedStatement(sql: select + " WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).map { try SaleBook($0, db) }
    }

    static func all(_ db: Database) throws -> [SaleBook] {
        let statement = try db.cachedStatement(sql: select + " ORDER BY id")
        return try Row.fetchAll(statement).map { try SaleBook($0, db) }
    }

    /// Every row as it is stored, with its seal.
    static func sealedRows(_ db: Database) throws -> [(Row, seal: Int64)] {
        let rows = try Row.fetchAll(db, sql: "SELECT key, \(sealed.joined(separator: ", ")), seal FROM sale")
        return try rows.map { ($0, try $0.decode(atIndex: sealed.count + 1)) }
    }

    private static let select = "SELECT key, \(sealed.joined(separator: ", ")) FROM sale"

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
        let record = SaleRecord(
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
        self.init(db, key: key, record: record, sums: sums, ordersSeal: try columns.next())
    }

    // MARK: Writing

    static func create(_ sale: Sale, _ db: Database) throws -> SaleBook {
        let book = SaleBook(db, key: 0, record: SaleRecord(sale), sums: SaleTotals(stock: 0), ordersSeal: 0)
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO sale (\(sealed.joined(separator: ", ")), seal)
                VALUES (\(Array(repeating: "?", count: sealed.count).joined(separator: ", ")), ?)
                """
        )
        try statement.execute(
            arguments: StatementArguments(book.declarationValues + book.standingValues + [book.seal.databaseValue])
        )
        return book
    }

    func save() throws {
        guard saved != (record, sums, ordersSeal) else { return }
        let statement = try db.cachedStatement(
            sql: "UPDATE sale SET \(Self.standing.map { "\($0) = ?" }.joined(separator: ", ")), seal = ? WHERE key = ?"
        )
        try statement.execute(
            arguments: StatementArguments(standingValues + [seal.databaseValue, key.databaseValue])
        )
        saved = (record, sums, ordersSeal)
    }

    /// The fingerprint of the whole row.
    var seal: Int64 { Fingerprint.of(declarationValues + standingValues) }

    private var declarationValues: [DatabaseValue] {
        let sale = record.sale
        return [
            sale.id.text.databaseValue, sale.title.databaseValue, sale.price.databaseValue,
            sale.currency.databaseValue, sale.stock.databaseValue, sale.limitPerUser.databaseValue,
            sale.opensAt.milliseconds.databaseValue, sale.closesAt?.milliseconds.databaseValue ?? .null,
            sale.paymentWindow.milliseconds.databaseValue,
        ]
    }

    private var standingValues: [DatabaseValue] {
        [
            record.stock.databaseValue, record.admission.rawValue.databaseValue, record.epoch.databaseValue,
            record.revision.databaseValue, record.sequence.databaseValue, sums.awaiting.databaseValue,
            sums.paid.databaseValue, sums.expired.databaseValue, sums.cancelled.databaseValue,
            sums.rejected.databaseValue, sums.deadLettered.databaseValue, sums.returning.databaseValue,
            ordersSeal.databaseValue,
        ]
    }
}

/// The sales that one transaction touches.
struct SaleBooks {
    let db: Database
    private var byID: [SaleID: SaleBook] = [:]

    init(_ db: Database) { self.db = db }

    mutating func sale(_ id: SaleID) throws -> SaleBook? {
        if let book = byID[id] { return book }
        let book = try SaleBook.open(id, db)
        byID[id] = book
        return book
    }

    /// The book that a reservation goes into.
    mutating func sale(_ reservation: Reservation) throws -> SaleBook {
        guard let book = try sale(reservation.order.sale) else {
            throw SeckillError(.invalid, "an order names a sale that the ledger does not have")
        }
        return book
    }

    mutating func sale(of row: OrderRow) throws -> SaleBook {
        guard let book = try sale(row.order.id.sale) else { throw LedgerDamage(what: "order \(row.order.id)") }
        return book
    }

    func save() throws {
        for book in byID.values { try book.save() }
    }
}

internal import GRDB
internal import SeckillCore

/// A row of `purchase`.
struct OrderRow {
    /// 0 until it is in the table.
    var key: Int64 = 0
    var order: Order
    let recordedEpoch: Int
    let reservedAt: Timestamp
    let recordedAt: Timestamp

    /// The row's share of its sale's `orders_seal`: everything about it that never changes.
    var seal: Int64 {
        var fingerprint = Fingerprint()
        fingerprint.add(order.id.text)
        fingerprint.add(order.user.text)
        fingerprint.add(Int64(order.sequence))
        fingerprint.add(order.payBy?.milliseconds ?? 0)
        fingerprint.add(order.reason?.rawValue ?? "")
        fingerprint.add(Int64(recordedEpoch))
        fingerprint.add(reservedAt.milliseconds)
        fingerprint.add(recordedAt.milliseconds)
        return fingerprint.value
    }
}

extension OrderRow {
    static let columns = "key, id, user, status, sequence, pay_by, reason, recorded_epoch, reserved_at, recorded_at"
    static let columnCount = 10

    /// - Throws: ``LedgerDamage`` if the row is not one that a ledger writes.
    init(_ row: Row) throws {
        var columns = Columns(row)
        key = try columns.next()
        let (id, user, status): (String, String, String) = try (columns.next(), columns.next(), columns.next())
        guard let orderID = OrderID(id), let userID = UserID(user), let orderStatus = OrderStatus(rawValue: status)
        else { throw LedgerDamage(what: "order \(id)") }
        order = Order(
            id: orderID,
            user: userID,
            status: orderStatus,
            sequence: try columns.next(),
            payBy: (try columns.next() as Int64?).map(Timestamp.init(milliseconds:)),
            reason: (try columns.next() as String?).flatMap(RejectionReason.init(rawValue:))
        )
        recordedEpoch = try columns.next()
        reservedAt = Timestamp(milliseconds: try columns.next())
        recordedAt = Timestamp(milliseconds: try columns.next())
    }

    /// A user's orders over all sales, the latest first. Damaged rows are left out.
    static func newest(of user: UserID, limit: Int, _ db: Database) throws -> [OrderRow] {
        // The index begins with the sale, so that one sale's orders lie together: one look per sale.
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(columns) FROM purchase
                WHERE sale IN (SELECT key FROM sale) AND user_hash = ? AND user = ? ORDER BY key DESC LIMIT ?
                """
        )
        let arguments: StatementArguments = [Fingerprint.of(user.text), user.text, max(0, limit)]
        return try healthy(try Row.fetchAll(statement, arguments: arguments))
    }

    /// A sale's rejected orders, the latest first. Damaged rows are left out.
    static func rejected(of sale: SaleID, limit: Int, _ db: Database) throws -> [OrderRow] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(columns) FROM purchase
                WHERE sale = (SELECT key FROM sale WHERE id = ?) AND status = 'rejected' ORDER BY key DESC LIMIT ?
                """
        )
        return try healthy(try Row.fetchAll(statement, arguments: [sale.text, max(0, limit)]))
    }

    /// One damaged row keeps nobody from reading the others.
    private static func healthy(_ rows: [Row]) throws -> [OrderRow] {
        try rows.compactMap { row in
            do {
                return try OrderRow(row)
            } catch is LedgerDamage {
                return nil
            }
        }
    }

    /// The row that has `key`.
    static func at(_ key: Int64, _ db: Database) throws -> OrderRow {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM purchase WHERE key = ?")
        guard let row = try Row.fetchOne(statement, arguments: [key]) else { throw LedgerDamage(what: "order \(key)") }
        return try OrderRow(row)
    }
}

internal import GRDB
internal import SeckillCore

/// The statements that recording runs for every order of a batch, prepared once per transaction.
struct OrderTable {
    private let db: Database
    private let find: HotStatement
    private let count: HotStatement
    private let insertion: HotStatement

    init(_ db: Database) throws {
        self.db = db
        find = try HotStatement(
            "SELECT CASE WHEN id = ? THEN key ELSE -key END FROM purchase WHERE sale = ? AND id_hash = ?",
            db
        )
        count = try HotStatement(
            """
            SELECT count(*) FROM purchase WHERE sale = ? AND user_hash = ?
            AND (status = 'cancelled' OR status = 'rejected') = 0 AND live = 1 AND user = ?
            """,
            db
        )
        insertion = try HotStatement(
            """
            INSERT INTO purchase (sale, id, id_hash, user, user_hash, epoch, recorded_epoch, sequence, status, reason,
                reserved_at, recorded_at, pay_by)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            db
        )
    }

    /// Where an order is, or would be.
    enum Place {
        /// The row with this key is the order's.
        case row(key: Int64)
        /// The order has no row; this hash is free for it.
        case free(hash: Int64)
    }

    /// Finds an order of `sale` by the hash of its id.
    func place(of id: OrderID, in sale: Int64) throws -> Place {
        find.bind(id.text, at: 1)
        find.bind(sale, at: 2)
        let first = Fingerprint.of(id)
        for probe in 0..<Fingerprint.maxProbes {
            find.bind(first &+ probe, at: 3)
            guard let key = try find.number() else { return .free(hash: first &+ probe) }
            if key > 0 { return .row(key: key) }
        }
        throw LedgerDamage(what: "order \(id)")
    }

    /// The row of an order of `sale`.
    func row(of id: OrderID, in sale: Int64) throws -> OrderRow? {
        guard case .row(let key) = try place(of: id, in: sale) else { return nil }
        return try OrderRow.at(key, db)
    }

    /// How many live orders of `sale` a user holds.
    func live(of user: UserID, in sale: Int64) throws -> Int {
        count.bind(sale, at: 1)
        count.bind(Fingerprint.of(user.text), at: 2)
        count.bind(user.text, at: 3)
        return try Int(count.number() ?? 0)
    }

    /// Adds a row under a hash that ``place(of:in:)`` found free. Its key.
    func insert(_ row: OrderRow, hash: Int64, in sale: Int64) throws -> Int64 {
        let order = row.order
        insertion.bind(sale, at: 1)
        insertion.bind(order.id.text, at: 2)
        insertion.bind(hash, at: 3)
        insertion.bind(order.user.text, at: 4)
        insertion.bind(Fingerprint.of(order.user.text), at: 5)
        insertion.bind(Int64(order.id.epoch), at: 6)
        insertion.bind(Int64(row.recordedEpoch), at: 7)
        insertion.bind(Int64(order.sequence), at: 8)
        insertion.bind(order.status.rawValue, at: 9)
        insertion.bind(order.reason?.rawValue, at: 10)
        insertion.bind(row.reservedAt.milliseconds, at: 11)
        insertion.bind(row.recordedAt.milliseconds, at: 12)
        insertion.bind(order.payBy?.milliseconds, at: 13)
        try insertion.execute()
        return db.lastInsertedRowID
    }
}

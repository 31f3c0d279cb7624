internal import GRDB
internal import SeckillCore

/// The ledger's tables, and what tells its file from others.
///
/// Three tables: what is sold, what became of each reservation, and which units have to go back to the stock store.
/// A fourth holds the ledger's identity. No row is ever deleted. Beside the rows a sale keeps their sums, changed in the
/// same transaction: they make the last guard cheap, and show a row that was lost or altered by another program.
enum Schema {
    /// "SKLG", written into the file's header.
    static let applicationID = 0x534B_4C47

    /// One step per version of the format. A released one is never changed.
    static let migrations: [@Sendable (Database) throws -> Void] = [
        { db in try db.execute(sql: version1) },
        { db in try migrateToVersion2(db) },
        { db in try migrateToVersion3(db) },
    ]

    /// The version that this code reads and writes.
    static var version: Int { migrations.count }

    static let version1 = """
        CREATE TABLE sale (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            -- As declared; times and durations in milliseconds.
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            price INTEGER NOT NULL CHECK (price >= 0),
            currency TEXT NOT NULL,
            initial_stock INTEGER NOT NULL CHECK (initial_stock >= 0),
            limit_per_user INTEGER NOT NULL CHECK (limit_per_user >= 1),
            opens_at INTEGER NOT NULL,
            closes_at INTEGER CHECK (closes_at > opens_at),
            payment_window INTEGER NOT NULL CHECK (payment_window > 0),
            -- As it stands.
            stock INTEGER NOT NULL CHECK (stock BETWEEN initial_stock AND 1000000000),
            admission TEXT NOT NULL CHECK (admission IN ('open', 'paused', 'closed')),
            epoch INTEGER NOT NULL CHECK (epoch >= 0),
            revision INTEGER NOT NULL CHECK (revision >= 1),
            -- The highest sequence recorded in this epoch.
            sequence INTEGER NOT NULL CHECK (sequence >= 0),
            -- Sums over the orders and the open returns.
            awaiting INTEGER NOT NULL CHECK (awaiting >= 0),
            paid INTEGER NOT NULL CHECK (paid >= 0),
            expired INTEGER NOT NULL CHECK (expired >= 0),
            cancelled INTEGER NOT NULL CHECK (cancelled >= 0),
            rejected INTEGER NOT NULL CHECK (rejected >= 0),
            dead_lettered INTEGER NOT NULL CHECK (dead_lettered BETWEEN 0 AND rejected),
            returning_units INTEGER NOT NULL CHECK (returning_units >= 0),
            -- Fingerprints: of all orders as they were recorded, and of this row.
            orders_seal INTEGER NOT NULL,
            seal INTEGER NOT NULL,
            CHECK (awaiting + paid <= stock)
        ) STRICT;

        CREATE TABLE purchase (
            -- In the order of recording.
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            -- Fingerprints stand for the texts in the indexes, which are a quarter of the size then.
            id_hash INTEGER NOT NULL,
            sale INTEGER NOT NULL REFERENCES sale,
            user TEXT NOT NULL,
            user_hash INTEGER NOT NULL,
            -- The epoch it was reserved in, and the sale's when it was recorded.
            epoch INTEGER NOT NULL CHECK (epoch >= 1),
            recorded_epoch INTEGER NOT NULL CHECK (recorded_epoch >= epoch),
            sequence INTEGER NOT NULL CHECK (sequence >= 0),
            -- Alternatives are spelled out: SQLite builds a table for every IN of more than two, on every insert.
            status TEXT NOT NULL CHECK (
                status = 'awaiting_payment' OR status = 'paid' OR status = 'expired' OR status = 'cancelled'
                OR status = 'rejected'
            ),
            live INTEGER NOT NULL AS (status IN ('awaiting_payment', 'paid')) VIRTUAL,
            reason TEXT CHECK (
                reason = 'lost' OR reason = 'sold_out' OR reason = 'limit_reached' OR reason = 'undeliverable'
            ),
            reserved_at INTEGER NOT NULL,
            recorded_at INTEGER NOT NULL,
            pay_by INTEGER,
            -- When it was paid, expired or cancelled.
            settled_at INTEGER,
            CHECK ((status = 'rejected') = (reason IS NOT NULL)),
            CHECK ((status = 'rejected') = (pay_by IS NULL)),
            CHECK ((status IN ('awaiting_payment', 'rejected')) = (settled_at IS NULL)),
            CHECK (status = 'rejected' OR recorded_epoch = epoch)
        ) STRICT;
        CREATE INDEX purchase_id ON purchase (sale, id_hash);
        CREATE INDEX purchase_user ON purchase (sale, user_hash, live);
        CREATE INDEX purchase_due ON purchase (pay_by) WHERE status = 'awaiting_payment';

        CREATE TABLE stock_return (
            -- In the order of writing.
            key INTEGER PRIMARY KEY,
            sale INTEGER NOT NULL REFERENCES sale,
            -- The sale's epoch when it was written.
            epoch INTEGER NOT NULL CHECK (epoch >= 0),
            units INTEGER NOT NULL CHECK (units >= 1),
            -- What gives the units: an order that ended, or a restock by its id.
            purchase INTEGER UNIQUE REFERENCES purchase,
            restock TEXT,
            state TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'absorbed'),
            CHECK ((purchase IS NULL) = (restock IS NOT NULL)),
            CHECK (purchase IS NULL OR units = 1)
        ) STRICT;
        CREATE UNIQUE INDEX stock_return_restock ON stock_return (sale, restock) WHERE restock IS NOT NULL;
        CREATE INDEX stock_return_open ON stock_return (key) WHERE state = 'open';
        """
}

extension Schema {
    /// The version of a ledger's file; 0 for an empty one.
    /// - Throws: ``SeckillError`` of code `invalid` if the file is another program's or of a later version.
    static func recognize(_ db: Database) throws -> Int {
        let id = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard id == applicationID || (id == 0 && version == 0 && tables == 0) else {
            throw SeckillError(.invalid, "it belongs to another program; name another path")
        }
        guard version <= self.version else {
            throw SeckillError(
                .invalid,
                "it is of format \(version) and this program knows \(self.version); use the newer program"
            )
        }
        return version
    }

    /// Brings the tables to this version.
    static func migrate(_ db: Database) throws {
        for step in migrations[try recognize(db)...] { try step(db) }
        try stamp(db)
    }

    /// The ledger's identity.
    static func identity(_ db: Database) throws -> LedgerID {
        let ids = try String.fetchAll(db, sql: "SELECT id FROM ledger")
        guard ids.count == 1, let id = LedgerID(ids[0]) else {
            throw SeckillError(.damaged, "its identity is missing or was altered; restore it from a backup")
        }
        return id
    }

    /// Marks the file. Writes its first page, whatever stands there.
    static func stamp(_ db: Database) throws {
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Tables, indexes and triggers by name, such as "index purchase_due", as SQL.
    static func objects(_ db: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE type <> 'view' AND sql IS NOT NULL"
        )
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    }

    /// What ``objects(_:)`` finds in every ledger, made in an empty database.
    static func expectedObjects(_ empty: Database) throws -> [String: String] {
        try migrate(empty)
        return try objects(empty)
    }
}

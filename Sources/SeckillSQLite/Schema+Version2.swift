internal import GRDB
internal import SeckillCore

/// What format 2 adds: the ledger's identity, the store that holds a sale, the sums that store and ledger are compared
/// by, and indexes that keep every statement cheap at a million rows.
extension Schema {
    static func migrateToVersion2(_ db: Database) throws {
        // Before the columns are added: seals of format 1 do not cover them.
        let altered = try alteredSalesOfVersion1(db)
        try db.execute(sql: columns)
        try db.execute(sql: "INSERT INTO ledger (id) VALUES (?)", arguments: [LedgerID.random().text])
        try db.execute(sql: counts)
        try sealSales(except: altered, db)
        try db.execute(sql: indexes)
    }

    private static let columns = """
        CREATE TABLE ledger (
            -- The ledger's identity: one row, never changed.
            id TEXT NOT NULL
        ) STRICT;
        -- The stock store that may hold the sale, by name, and the number of the takeover that named it.
        ALTER TABLE sale ADD COLUMN holder TEXT;
        ALTER TABLE sale ADD COLUMN takeover INTEGER NOT NULL DEFAULT 0 CHECK (takeover >= 0);
        -- Orders of this epoch that have a row.
        ALTER TABLE sale ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0 CHECK (recorded >= 0);
        -- Units that the store was given when this epoch began.
        ALTER TABLE sale ADD COLUMN installed INTEGER NOT NULL DEFAULT 0 CHECK (installed >= 0);
        -- The epoch that began when an operator last accepted that orders are lost.
        ALTER TABLE sale ADD COLUMN restored_epoch INTEGER NOT NULL DEFAULT 0
            CHECK (restored_epoch BETWEEN 0 AND epoch);
        """

    /// What was installed when the present epoch began: the stock of that time, without the orders that were live.
    private static let counts = """
        UPDATE sale SET recorded = (SELECT count(*) FROM purchase WHERE sale = sale.key AND epoch = sale.epoch);
        UPDATE sale SET installed = max(0, stock
            - (SELECT coalesce(sum(units), 0) FROM stock_return AS r
                WHERE r.sale = sale.key AND r.epoch = sale.epoch AND restock IS NOT NULL)
            - (SELECT count(*) FROM purchase AS p WHERE p.sale = sale.key AND p.epoch < sale.epoch AND live = 1)
            - (SELECT count(*) FROM stock_return AS r JOIN purchase AS p ON p.key = r.purchase
                WHERE r.sale = sale.key AND r.epoch = sale.epoch AND p.epoch < sale.epoch))
        WHERE epoch > 0;
        """

    private static let indexes = """
        -- An order has one row: its hash is unique within its sale. Two orders with one hash, which may happen once in
        -- many millions of sales, have hashes that follow each other.
        DROP INDEX purchase_id;
        UPDATE purchase SET id_hash = id_hash + n - 1
        FROM (SELECT key, row_number() OVER (PARTITION BY sale, id_hash ORDER BY key) AS n FROM purchase) AS double
        WHERE double.key = purchase.key AND n > 1;
        CREATE UNIQUE INDEX purchase_id ON purchase (sale, id_hash);
        -- With the sale, so that orders of a damaged one are passed over without reading them.
        DROP INDEX purchase_due;
        CREATE INDEX purchase_due ON purchase (pay_by, sale) WHERE status = 'awaiting_payment';
        CREATE INDEX purchase_rejected ON purchase (sale) WHERE status = 'rejected';
        -- A return of an epoch that is over has been absorbed by a rebuild; nothing has to mark it.
        DROP INDEX stock_return_open;
        CREATE INDEX stock_return_pending ON stock_return (sale, epoch) WHERE state = 'open';
        CREATE INDEX sale_returning ON sale (key) WHERE returning_units > 0;
        """

    private static func alteredSalesOfVersion1(_ db: Database) throws -> Set<Int64> {
        let columns = """
            id, title, price, currency, initial_stock, limit_per_user, opens_at, closes_at, payment_window, stock,
            admission, epoch, revision, sequence, awaiting, paid, expired, cancelled, rejected, dead_lettered,
            returning_units, orders_seal
            """
        var altered: Set<Int64> = []
        for row in try Row.fetchAll(db, sql: "SELECT key, seal, \(columns) FROM sale") {
            let values = row.databaseValues
            if values[1] != Fingerprint.of(Array(values.dropFirst(2))).databaseValue, let key = row[0] as Int64? {
                altered.insert(key)
            }
        }
        return altered
    }

    /// A sale that was altered before keeps a wrong seal, so that nobody sells by it.
    private static func sealSales(except altered: Set<Int64>, _ db: Database) throws {
        for row in try SaleBook.rows(db) {
            let key: Int64 = try row.decode(atIndex: 0)
            let seal = Fingerprint.of(Array(row.databaseValues.dropFirst().dropLast()))
            let kept = altered.contains(key) ? ~seal : seal
            try db.execute(sql: "UPDATE sale SET seal = ? WHERE key = ?", arguments: [kept, key])
        }
    }
}

extension Row {
    fileprivate var databaseValues: [DatabaseValue] { Array(self.map(\.1)) }
}

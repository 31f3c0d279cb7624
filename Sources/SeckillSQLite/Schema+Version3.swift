internal import GRDB
internal import SeckillCore

/// What format 3 adds: the number of each sale's last change, so that a reader who keeps up reads only what has changed;
/// an index of orders in which new ones come last; and one of users that an order which expires leaves as it is.
extension Schema {
    static func migrateToVersion3(_ db: Database) throws {
        try db.execute(sql: changes)
        db.add(function: numberOfOrder)
        defer { db.remove(function: numberOfOrder) }
        try db.execute(sql: numbers)
        try db.execute(sql: users)
    }

    /// Triggers give the numbers, so that changes which other programs make are noticed as well.
    private static let changes = """
        -- The number of the last change of any sale. It begins with 1: a reader that has read nothing asks for 0.
        ALTER TABLE ledger ADD COLUMN change INTEGER NOT NULL DEFAULT 1 CHECK (change >= 1);
        -- The number of the sale's last change. No seal covers it: nothing is sold by it.
        ALTER TABLE sale ADD COLUMN change INTEGER NOT NULL DEFAULT 1;
        CREATE INDEX sale_change ON sale (change);
        CREATE TRIGGER sale_inserted AFTER INSERT ON sale BEGIN
            UPDATE ledger SET change = change + 1;
            UPDATE sale SET change = (SELECT change FROM ledger) WHERE key = new.key;
        END;
        CREATE TRIGGER sale_updated AFTER UPDATE OF
            key, id, title, price, currency, initial_stock, limit_per_user, opens_at, closes_at, payment_window, stock,
            admission, epoch, revision, sequence, awaiting, paid, expired, cancelled, rejected, dead_lettered,
            returning_units, orders_seal, holder, takeover, recorded, installed, restored_epoch, seal
        ON sale BEGIN
            UPDATE ledger SET change = change + 1;
            UPDATE sale SET change = (SELECT change FROM ledger) WHERE key = new.key;
        END;
        """

    /// Two orders with one number have numbers that follow each other. What is no order's id keeps its number.
    private static let numbers = """
        DROP INDEX purchase_id;
        UPDATE purchase SET id_hash = coalesce(order_number(id), id_hash);
        UPDATE purchase SET id_hash = id_hash + n - 1
        FROM (SELECT key, row_number() OVER (PARTITION BY sale, id_hash ORDER BY key) AS n FROM purchase) AS double
        WHERE double.key = purchase.key AND n > 1;
        CREATE UNIQUE INDEX purchase_id ON purchase (sale, id_hash);
        """

    /// Orders expire by the thousand, and users lie all over an index: to move an entry would be a page for each order.
    /// Buyers end orders one by one, and as often as they like: those must not be counted with each new order.
    private static let users = """
        DROP INDEX purchase_user;
        CREATE INDEX purchase_user ON purchase (sale, user_hash, (status = 'cancelled' OR status = 'rejected'));
        """

    private static let numberOfOrder = DatabaseFunction("order_number", argumentCount: 1, pure: true) { values in
        String.fromDatabaseValue(values[0]).flatMap { OrderID($0) }.map { Fingerprint.of($0) }
    }
}

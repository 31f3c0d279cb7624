internal import GRDB

/// What format 3 adds: the number of each sale's last change, so that a reader who keeps up reads only what has changed.
extension Schema {
    static func migrateToVersion3(_ db: Database) throws { try db.execute(sql: changes) }

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
}

import SeckillSQLite
import Testing

/// What other hands may do to a ledger's file, and what the audit must call it.
struct Planted: Sendable, CustomTestStringConvertible {
    let name: LedgerAudit.Violation.Name
    let sql: String
    var testDescription: String { "\(name.rawValue): \(sql)" }

    init(_ name: LedgerAudit.Violation.Name, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    static let all = sales + orders + returns + schema

    private static let live = "(SELECT min(key) FROM purchase WHERE live = 1)"
    private static let copied = """
        sale, user, user_hash, epoch, recorded_epoch, sequence, status, reason, reserved_at, recorded_at,
        pay_by, settled_at
        """

    private static let sales = [
        Planted(.oversold, "UPDATE sale SET stock = 2 WHERE id = 'shoes'"),
        Planted(.wrongStock, "UPDATE sale SET stock = stock + 1 WHERE id = 'shoes'"),
        Planted(.wrongStock, "UPDATE sale SET initial_stock = initial_stock + 1 WHERE id = 'shoes'"),
        Planted(.alteredSale, "UPDATE sale SET stock = stock + 1, initial_stock = initial_stock + 1"),
        Planted(.alteredSale, "UPDATE sale SET limit_per_user = 1000"),
        Planted(.alteredSale, "UPDATE sale SET limit_per_user = 0"),
        Planted(.alteredSale, "UPDATE sale SET id = 'not a sale id' WHERE id = 'hats'"),
        Planted(.alteredSale, "UPDATE sale SET epoch = epoch - 1 WHERE id = 'hats'"),
        Planted(.alteredSale, "UPDATE sale SET epoch = epoch + 1"),
        Planted(.alteredSale, "UPDATE sale SET title = ''"),
        Planted(.alteredSale, "UPDATE sale SET revision = 1"),
        Planted(.alteredSale, "UPDATE sale SET admission = 'open' WHERE admission = 'paused'"),
        Planted(.alteredSale, "UPDATE sale SET payment_window = 1000000"),
        Planted(.alteredSale, "UPDATE sale SET holder = 'another store'"),
        Planted(.alteredSale, "UPDATE sale SET holder = NULL"),
        Planted(.alteredSale, "UPDATE sale SET takeover = takeover + 1"),
        Planted(.alteredSale, "UPDATE sale SET installed = installed + 1"),
        Planted(.alteredSale, "UPDATE sale SET restored_epoch = epoch"),
        Planted(.alteredSale, "UPDATE sale SET paid = 9223372036854775807"),
        Planted(.alteredSale, "UPDATE sale SET epoch = 9223372036854775807"),
        Planted(.miscounted, "UPDATE sale SET recorded = recorded + 1 WHERE id = 'shoes'"),
        Planted(
            .alteredSale,
            "INSERT INTO sale SELECT key + 10, id || '2', title, price, currency, initial_stock, limit_per_user, opens_at, closes_at, payment_window, stock, admission, epoch, revision, sequence, 0, 0, 0, 0, 0, 0, 0, 0, 0, holder, takeover, recorded, installed, restored_epoch, 1 FROM sale WHERE id = 'hats'"
        ),
        Planted(.wrongEpoch, "UPDATE sale SET epoch = epoch - 1 WHERE id = 'shoes'"),
        Planted(.miscounted, "UPDATE sale SET paid = paid - 1, awaiting = awaiting + 1 WHERE id = 'shoes'"),
        Planted(.miscounted, "UPDATE sale SET sequence = sequence + 1 WHERE id = 'shoes'"),
        Planted(.lostSale, "DELETE FROM sale WHERE id = 'hats'"),
        Planted(.danglingRow, "DELETE FROM sale WHERE id = 'shoes'"),
    ]

    private static let orders = [
        Planted(.lostOrder, "DELETE FROM purchase WHERE key = \(live)"),
        Planted(.lostOrder, "DELETE FROM purchase WHERE reason = 'lost'"),
        Planted(.lostOrder, "DELETE FROM purchase; DELETE FROM stock_return"),
        Planted(
            .alteredSale,
            "UPDATE sale SET paid = paid - 1; DELETE FROM purchase WHERE key = (SELECT key FROM purchase WHERE status = 'paid')"
        ),
        Planted(.danglingRow, "DELETE FROM purchase WHERE status = 'cancelled'"),
        Planted(
            .forgedOrder,
            "INSERT INTO purchase (id, id_hash, \(copied)) SELECT id || 'x', id_hash + 1, \(copied) FROM purchase WHERE key = \(live)"
        ),
        Planted(
            .duplicateOrder,
            "INSERT INTO purchase (id, id_hash, \(copied)) SELECT id, id_hash + 1, \(copied) FROM purchase WHERE key = \(live)"
        ),
        Planted(.alteredOrder, "UPDATE purchase SET user = 'mallory' WHERE key = \(live)"),
        Planted(.alteredOrder, "UPDATE purchase SET user = 'mallory', user_hash = 7 WHERE key = \(live)"),
        Planted(.alteredOrder, "UPDATE purchase SET id = replace(id, 'shoes.1.', 'shoes.1.A') WHERE key = \(live)"),
        Planted(.alteredOrder, "UPDATE purchase SET id = 'nonsense' WHERE key = \(live)"),
        Planted(.alteredOrder, "UPDATE purchase SET user = '' WHERE key = \(live)"),
        Planted(.alteredOrder, "UPDATE purchase SET sequence = 100 - sequence WHERE status = 'cancelled'"),
        Planted(.alteredOrder, "UPDATE purchase SET reason = 'undeliverable' WHERE reason = 'sold_out'"),
        Planted(
            .alteredOrder,
            "UPDATE purchase SET sale = (SELECT key FROM sale WHERE id = 'hats') WHERE key = \(live)"
        ),
        Planted(.overLimit, "UPDATE purchase SET user = 'user-1', user_hash = 1 WHERE live = 1"),
        Planted(.oversold, "UPDATE purchase SET status = 'paid', settled_at = recorded_at; UPDATE sale SET stock = 8"),
        Planted(
            .miscounted,
            "UPDATE purchase SET status = 'paid', settled_at = recorded_at WHERE status = 'awaiting_payment'"
        ),
        Planted(.miscounted, "UPDATE purchase SET status = 'cancelled' WHERE status = 'expired'"),
        Planted(.inconsistentOrder, "UPDATE purchase SET settled_at = pay_by WHERE status = 'paid'"),
        Planted(.inconsistentOrder, "UPDATE purchase SET settled_at = pay_by - 1 WHERE status = 'expired'"),
        Planted(.inconsistentOrder, "UPDATE purchase SET settled_at = NULL WHERE status = 'paid'"),
        Planted(.inconsistentOrder, "UPDATE purchase SET pay_by = pay_by + 1 WHERE key = \(live)"),
        Planted(.inconsistentOrder, "UPDATE purchase SET status = 'queued' WHERE key = \(live)"),
        Planted(.inconsistentOrder, "UPDATE purchase SET reason = NULL WHERE reason = 'sold_out'"),
        Planted(.inconsistentOrder, "UPDATE purchase SET status = 'paid' WHERE status = 'rejected'"),
        Planted(.wrongEpoch, "UPDATE purchase SET recorded_epoch = 9 WHERE status = 'rejected'"),
        Planted(.alteredOrder, "UPDATE purchase SET id_hash = 1 WHERE key = \(live)"),
        Planted(.wrongEpoch, "UPDATE purchase SET epoch = 3, recorded_epoch = 3 WHERE key = \(live)"),
    ]

    private static let returns = [
        Planted(.strandedUnit, "DELETE FROM stock_return WHERE purchase IS NOT NULL"),
        Planted(.strandedUnit, "DELETE FROM stock_return WHERE state = 'open' AND restock IS NOT NULL"),
        Planted(.strandedUnit, "UPDATE stock_return SET state = 'done' WHERE state = 'open'"),
        Planted(.strandedUnit, "UPDATE stock_return SET state = 'absorbed' WHERE state = 'open'"),
        Planted(.strandedUnit, "UPDATE stock_return SET epoch = 1 WHERE state = 'open'"),
        Planted(.strandedUnit, "UPDATE stock_return SET units = units - 1 WHERE restock = 'restock.2'"),
        Planted(.wrongStock, "DELETE FROM stock_return WHERE restock IS NOT NULL"),
        Planted(
            .wrongStock,
            "INSERT INTO stock_return (sale, epoch, units, restock, state) SELECT key, 2, 5, 'x', 'done' FROM sale"
        ),
        Planted(.wrongStock, "UPDATE stock_return SET units = 50 WHERE restock = 'restock.1'"),
        Planted(.doubleReturn, "UPDATE stock_return SET state = 'open' WHERE state = 'done'"),
        Planted(
            .doubleReturn,
            """
            INSERT INTO stock_return (sale, epoch, units, purchase, restock, state)
            SELECT sale, 2, 1, key, NULL, 'open' FROM purchase WHERE status = 'paid' LIMIT 1
            """
        ),
        Planted(
            .doubleReturn,
            """
            INSERT INTO stock_return (sale, epoch, units, purchase, restock, state)
            SELECT sale, 2, 1, key, NULL, 'done' FROM purchase WHERE reason = 'lost' LIMIT 1
            """
        ),
        Planted(
            .doubleReturn,
            "UPDATE stock_return SET units = 2 WHERE key = (SELECT min(key) FROM stock_return WHERE purchase IS NOT NULL)"
        ),
        Planted(
            .doubleReturn,
            """
            INSERT INTO stock_return (sale, epoch, units, purchase, restock, state)
            SELECT sale, epoch, units, NULL, 'again', 'open' FROM stock_return WHERE restock = 'restock.2'
            """
        ),
        Planted(.wrongEpoch, "UPDATE stock_return SET epoch = 3 WHERE state = 'open'"),
        Planted(
            .danglingRow,
            "UPDATE stock_return SET purchase = 1000 WHERE key = (SELECT max(key) FROM stock_return WHERE purchase IS NOT NULL)"
        ),
    ]

    private static let schema = [
        Planted(.alteredSchema, "DROP INDEX purchase_due"),
        Planted(.alteredSchema, "DROP TABLE stock_return"),
        Planted(.alteredSchema, "DROP TRIGGER sale_updated"),
        Planted(.alteredSchema, "DELETE FROM ledger"),
        Planted(.alteredSchema, "UPDATE ledger SET id = ''"),
        Planted(.alteredSchema, "ALTER TABLE purchase ADD COLUMN note TEXT"),
        Planted(.alteredSchema, "CREATE TRIGGER paid AFTER INSERT ON purchase BEGIN DELETE FROM sale; END"),
        Planted(.alteredSchema, "CREATE TRIGGER purchase AFTER INSERT ON purchase BEGIN DELETE FROM sale; END"),
    ]
}

import Foundation
import GRDB
import SeckillCore
import SeckillSQLite
import Testing

struct LedgerAuditTests {
    static let now = Timestamp(milliseconds: 1_800_000_000_000)
    static let phone = SaleID("phone")!

    /// Every legal state at once: a rebuild, a lost order, a rejection, a restock, returns open, made and absorbed.
    private func healthyLedger() async throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString).sqlite").path
        let ledger = try await SQLiteOrderLedger.open(path: path)
        let sale = try Sale(id: Self.phone, title: "Phone", price: 1, stock: 6, limitPerUser: 2, opensAt: Self.now)
        _ = try await ledger.create(sale)
        _ = try await ledger.beginEpoch(after: 0, of: Self.phone)
        _ = try await ledger.record([order(1, "ann"), order(2, "bob"), order(3, "cat"), order(4, "ann")], at: Self.now)
        _ = try await ledger.pay(order(1, "ann").order, at: Self.now)
        _ = try await ledger.pay(order(4, "ann").order, at: Self.now)
        _ = try await ledger.cancel(order(2, "bob").order, at: Self.now)
        _ = try await ledger.closeReturns(ledger.openReturns(limit: 9))
        _ = try await ledger.cancel(order(3, "cat").order, at: Self.now)
        _ = try await ledger.beginEpoch(after: 1, of: Self.phone)
        _ = try await ledger.record(
            [order(5, "eve"), order(6, "eve", epoch: 2), order(7, "fay", epoch: 2)],
            at: Self.now
        )
        _ = try await ledger.reject(order(8, "gus", epoch: 2), because: .undeliverable, at: Self.now)
        _ = try await ledger.expire(dueAt: Self.now + .seconds(900), limit: 1)
        _ = try await ledger.restock(Self.phone, adding: 3, id: "restock.1")
        return path
    }

    private func order(_ number: Int, _ user: String, epoch: Int = 1) -> Reservation {
        let id = OrderID("phone.\(epoch).\(String(repeating: "\(number)", count: 16)).macmacmac")!
        return Reservation(order: id, user: UserID(user)!, sequence: number, reservedAt: Self.now)
    }

    @Test func everyLegalStatePasses() async throws {
        let path = try await healthyLedger()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let audit = try await LedgerAudit.run(path: path)
        #expect(audit.violations == [])
        let sale = try #require(audit.sales.first)
        let kept = try await SQLiteOrderLedger.open(path: path).totals(of: Self.phone)
        #expect(sale.totals == kept)
        #expect(sale.totals.rejected == 2 && sale.totals.stock == 9 && sale.totals.returning > 0)
    }

    /// What other hands may do to the file, and the name that the audit has for it.
    static let planted: [(sql: String, name: String)] = [
        ("UPDATE sale SET stock = 0, initial_stock = 0", "oversold"),
        ("UPDATE sale SET limit_per_user = 1", "over_limit"),
        ("DELETE FROM purchase WHERE user = 'ann'", "lost_order"),
        ("DELETE FROM purchase WHERE user = 'ann'; UPDATE sale SET paid = 0", "altered_sale"),
        ("UPDATE sale SET title = ''", "altered_sale"),
        ("UPDATE purchase SET user = 'eve' WHERE user = 'ann'", "altered_order"),
        ("UPDATE purchase SET sequence = 99 WHERE user = 'fay'", "wrong_sequence"),
        ("UPDATE purchase SET status = 'paid', settled_at = 1 WHERE status = 'awaiting_payment'", "wrong_sums"),
        ("UPDATE purchase SET status = 'paid' WHERE status = 'expired'", "undue_return"),
        ("UPDATE purchase SET settled_at = pay_by WHERE status = 'paid'", "paid_late"),
        ("UPDATE purchase SET settled_at = 1 WHERE status = 'expired'", "expired_early"),
        ("UPDATE purchase SET recorded_epoch = 9 WHERE status = 'rejected'", "later_epoch"),
        ("UPDATE purchase SET id_hash = 1 WHERE user = 'ann'", "altered_order"),
        ("DELETE FROM stock_return WHERE purchase IS NOT NULL", "missing_return"),
        ("UPDATE stock_return SET epoch = 0 WHERE state = 'open'", "stranded_units"),
        ("UPDATE stock_return SET epoch = 9 WHERE state = 'open'", "later_epoch"),
        ("UPDATE stock_return SET state = 'done' WHERE state = 'open'", "wrong_sums"),
        ("UPDATE stock_return SET state = 'open' WHERE state = 'done'", "wrong_sums"),
        ("UPDATE stock_return SET units = units + 1 WHERE restock IS NOT NULL", "wrong_stock"),
        ("INSERT INTO stock_return (sale, epoch, units, restock, state) VALUES (1, 2, 5, 'x', 'done')", "wrong_stock"),
        ("UPDATE sale SET stock = stock + 1", "wrong_stock"),
        ("UPDATE sale SET epoch = epoch + 1", "altered_sale"),
        ("UPDATE purchase SET pay_by = NULL WHERE user = 'ann'", "altered_order"),
        (
            """
            INSERT INTO purchase SELECT 99, id, id_hash, sale, user, user_hash, epoch, recorded_epoch, sequence, status,
                reason, reserved_at, recorded_at, pay_by, settled_at FROM purchase WHERE user = 'ann' LIMIT 1
            """, "double_order"
        ),
        ("UPDATE purchase SET sale = 77 WHERE user = 'ann'", "orphaned_row"),
    ]

    @Test(arguments: planted.indices)
    func whatIsPlantedIsFound(index: Int) async throws {
        let path = try await healthyLedger()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (sql, name) = Self.planted[index]
        var configuration = Configuration()
        // The ledger that wrote the file may be closing it still.
        configuration.busyMode = .timeout(5)
        try await DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            try db.execute(sql: sql)
        }
        let violations = try await LedgerAudit.run(path: path).violations
        #expect(violations.contains { $0.name == name }, "\(sql): \(violations)")
    }

    @Test func aStockStoreThatDoesNotAddUpIsFound() async throws {
        let path = try await healthyLedger()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var audit = try await LedgerAudit.run(path: path)
        let totals = try #require(audit.sales.first).totals
        let free = totals.stock - totals.awaiting - totals.paid - totals.returning
        for (remaining, name) in [(free, nil), (free + 1, "surplus_units"), (free - 1, "missing_units")] {
            let stock = StockSnapshot(epoch: 2, remaining: remaining, pending: 0, sequence: 8, version: 0, revision: 1)
            audit.check(stock, of: Self.phone)
            #expect(audit.violations.last?.name == name)
        }
    }

    @Test(arguments: ["", "not a database at all, but long enough to be looked at as if it were one"])
    func whatIsNoLedgerCannotBeAudited(content: String) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(throws: SeckillError.self) { _ = try await LedgerAudit.run(path: path) }
        try content.write(toFile: path, atomically: true, encoding: .utf8)
        await #expect(throws: SeckillError.self) { _ = try await LedgerAudit.run(path: path) }
    }
}

import GRDB
import SeckillCore
import SeckillSQLite
import Testing

@Suite("A ledger of format 1")
struct LedgerMigrationTests {
    @Test("becomes one of this format: nothing is lost, and it goes on") func migrates() async throws {
        let scratch = try Scratch()
        try FormatVersion1.write(to: scratch.ledger)
        let old = await #expect(throws: SeckillError.self) { try await LedgerAudit.run(path: scratch.ledger) }
        #expect(old?.message.hasSuffix("it is empty or of an older format; start a server on it once") == true)

        let shop = try await Shop(scratch.ledger)
        #expect(try shop.number("PRAGMA user_version") == 3)
        #expect(try await shop.audit().violations == [])
        let listing = try await shop.ledger.sales()
        #expect(listing.records.map(\.sale.id) == [.hats, .shoes] && listing.damaged == [])
        let shoes = try #require(try await shop.ledger.sale(.shoes))
        #expect([shoes.epoch, shoes.sequence, shoes.recorded, shoes.orders] == [2, 4, 4, 18])
        // 13 units and 7 live orders when the epoch began.
        #expect(shoes.installed == 6)
        #expect(shoes.holder == nil && shoes.takeover == 0 && shoes.restoredEpoch == 0)
        #expect(
            try await shop.ledger.totals(of: .shoes)
                == SaleTotals(
                    stock: 14,
                    awaiting: 3,
                    paid: 3,
                    expired: 2,
                    cancelled: 2,
                    rejected: 8,
                    deadLettered: 2,
                    returning: 4
                )
        )
        // Not the five that an earlier rebuild absorbed.
        let returns = try await shop.ledger.pendingReturns(limit: 100)
        #expect(returns.map(\.units) == [1, 1, 1, 1] && returns.last?.id == "restock.2")
        try await shop.ledger.markReturnsApplied(returns)

        let again = try await shop.record([Shop.reservation(1, by: "carol", epoch: 2)])
        #expect(again[0].status == .awaitingPayment)
        _ = try await shop.ledger.transfer(.shoes, to: .test, takeover: 1)
        guard case .begun(let stock) = try await shop.ledger.beginEpoch(after: 2, of: .shoes, in: .test) else {
            Issue.record("no epoch")
            return
        }
        #expect(stock.remaining == 14 - 7 && stock.held.values.reduce(0, +) == 7)
        #expect(try await shop.audit().violations == [])
    }

    @Test("keeps its identity from then on") func identity() async throws {
        let scratch = try Scratch()
        try FormatVersion1.write(to: scratch.ledger)
        let first = try await Shop(scratch.ledger).ledger.identity()
        #expect(try await Shop(scratch.ledger).ledger.identity() == first)
        let other = try Scratch()
        try FormatVersion1.write(to: other.ledger)
        #expect(try await Shop(other.ledger).ledger.identity() != first)
    }

    @Test("is refused while a server of that format has it open") func inUse() async throws {
        let scratch = try Scratch()
        try FormatVersion1.write(to: scratch.ledger)
        let other = try OtherProcess(scratch.ledger)
        try await other.beginReading()
        try await other.unlock()
        let error = await #expect(throws: SeckillError.self) {
            try await SQLiteOrderLedger.open(path: scratch.ledger, patience: .milliseconds(100))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.hasSuffix("another process has it open; stop every server on it first") == true)
        #expect(try shopNumber(scratch, "PRAGMA user_version") == 1)
    }

    @Test("may be opened by many processes at once") func together() async throws {
        let scratch = try Scratch()
        try FormatVersion1.write(to: scratch.ledger)
        let identities = try await withThrowingTaskGroup(of: LedgerID.self) { group in
            for _ in 0..<8 {
                group.addTask { try await Shop(scratch.ledger, patience: .seconds(30)).ledger.identity() }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(identities.count == 1)
        #expect(try await LedgerAudit.run(path: scratch.ledger).violations == [])
    }

    private func shopNumber(_ scratch: Scratch, _ sql: String) throws -> Int {
        try DatabaseQueue(path: scratch.ledger).read { db in try Int.fetchOne(db, sql: sql) ?? 0 }
    }

    @Test("that was altered before is altered afterwards too") func altered() async throws {
        let scratch = try Scratch()
        try FormatVersion1.write(to: scratch.ledger)
        try await DatabaseQueue(path: scratch.ledger).write { db in
            try db.execute(sql: "UPDATE sale SET price = 1 WHERE id = 'hats'")
            // A row that stands for an order twice.
            try db.execute(
                sql: """
                    INSERT INTO purchase (id, id_hash, sale, user, user_hash, epoch, recorded_epoch, sequence, status,
                        reason, reserved_at, recorded_at)
                    SELECT id, id_hash, sale, user, user_hash, epoch, recorded_epoch, sequence, status, reason,
                        reserved_at, recorded_at FROM purchase WHERE key = 9
                    """
            )
        }
        let shop = try await Shop(scratch.ledger)
        let names = try await shop.audit().violations.map(\.name)
        for name in [LedgerAudit.Violation.Name.alteredSale, .duplicateOrder, .forgedOrder] {
            #expect(names.contains(name), "\(names)")
        }
        #expect(try await shop.ledger.sales().damaged == [.hats])
        #expect(try await shop.ledger.sale(.shoes)?.orders == 18)
    }
}

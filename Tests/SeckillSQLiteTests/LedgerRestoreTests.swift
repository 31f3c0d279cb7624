import Foundation
import SeckillCore
import SeckillSQLite
import Testing

@Suite("Restoring a ledger")
struct LedgerRestoreTests {
    private struct Files {
        let scratch: Scratch
        let backup: String
        var names: [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: scratch.folder.path).sorted()) ?? []
        }
    }

    /// A ledger of which a backup was made before its last orders. Nobody has it open.
    private func files() async throws -> Files {
        let scratch = try Scratch()
        let backup = scratch.folder.appending(path: "backup.sqlite").path
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 10)
        let orders = try await shop.record((1...3).map { Shop.reservation($0) })
        _ = try await shop.ledger.cancel(orders[0].id, at: Shop.start)
        try await shop.ledger.backup(to: backup)
        _ = try await shop.record((4...6).map { Shop.reservation($0) })
        return Files(scratch: scratch, backup: backup)
    }

    @Test("puts the backup in place, lifts every epoch, and keeps the old file") func restore() async throws {
        let files = try await files()
        let identity = try await Shop(files.scratch.ledger).ledger.identity()
        try await SQLiteOrderLedger.restore(from: files.backup, to: files.scratch.ledger)
        #expect(files.names == ["backup.sqlite", "ledger.sqlite", "ledger.sqlite.before-restore"])
        let shop = try await Shop(files.scratch.ledger)
        let record = try #require(try await shop.ledger.sale(.shoes))
        #expect(record.epoch == 10_001 && record.restoredEpoch == 10_001)
        #expect(record.recorded == 0 && record.orders == 3)
        #expect(record.holder == .test)
        #expect(try await shop.ledger.identity() == identity)
        #expect(try await shop.ledger.pendingReturns(limit: 9) == [], "absorbed")
        // An order of before is lost, a new one is not.
        #expect(try await shop.record([Shop.reservation(7)])[0].reason == .lost)
        guard case .begun(let stock) = try await shop.ledger.beginEpoch(after: 10_001, of: .shoes, in: .test) else {
            Issue.record("no epoch")
            return
        }
        #expect(stock.remaining == 8)
        #expect(try await shop.audit().violations == [])
        let old = try await LedgerAudit.run(path: "\(files.scratch.ledger).before-restore")
        #expect(old.violations == [] && old.sales.first?.totals.awaiting == 5)
        // The backup can be used again.
        #expect(try await LedgerAudit.run(path: files.backup).sales.first?.record.epoch == 1)
    }

    @Test("works where the ledger is gone, and once more where an old file was kept") func again() async throws {
        let files = try await files()
        try FileManager.default.removeItem(atPath: files.scratch.ledger)
        for _ in 1...3 { try await SQLiteOrderLedger.restore(from: files.backup, to: files.scratch.ledger) }
        #expect(
            files.names == [
                "backup.sqlite", "ledger.sqlite", "ledger.sqlite.before-restore", "ledger.sqlite.before-restore-2",
            ]
        )
    }

    @Test("refuses while a server has the ledger open, and changes nothing") func inUse() async throws {
        let files = try await files()
        let shop = try await Shop(files.scratch.ledger)
        let before = files.names
        let error = await #expect(throws: SeckillError.self) {
            try await SQLiteOrderLedger.restore(from: files.backup, to: files.scratch.ledger)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.hasSuffix("a server uses it; stop every server on it first") == true)
        #expect(files.names == before)
        try await shop.ledger.check()
        _ = try await shop.record([Shop.reservation(7)])
        #expect(try await shop.audit().violations == [])
    }

    @Test("replaces a damaged ledger, with its log") func damaged() async throws {
        let files = try await files()
        for suffix in ["", "-wal"] {
            try Data(repeating: 7, count: 10_000).write(to: URL(filePath: files.scratch.ledger + suffix))
        }
        try await SQLiteOrderLedger.restore(from: files.backup, to: files.scratch.ledger)
        #expect(
            files.names.filter { !$0.contains("before-restore-") } == [
                "backup.sqlite", "ledger.sqlite", "ledger.sqlite.before-restore",
            ]
        )
        #expect(try await Shop(files.scratch.ledger).audit().violations == [])
    }

    @Test("refuses what is no backup, and changes nothing") func refused() async throws {
        let files = try await files()
        let (nonsense, missing) = ("\(files.backup).nonsense", "\(files.backup).missing")
        try Data(repeating: 7, count: 10_000).write(to: URL(filePath: nonsense))
        let empty = "\(files.backup).empty"
        try Data().write(to: URL(filePath: empty))
        let torn = "\(files.backup).torn"
        let data = try Data(contentsOf: URL(filePath: files.backup))
        try data.prefix(data.count / 2).write(to: URL(filePath: torn))
        let before = files.names
        for (path, end) in [
            (nonsense, "it is not an SQLite file; name another path"),
            (missing, "there is no such file; name another path"), (empty, "it is empty; name another path"),
            (torn, ""), (files.scratch.ledger, "it is the ledger itself; name another path"),
        ] {
            let error = await #expect(throws: SeckillError.self, "\(path)") {
                try await SQLiteOrderLedger.restore(from: path, to: files.scratch.ledger)
            }
            #expect(error?.message.hasSuffix(end) == true, "\(error as Any)")
            #expect(error?.message.contains(path) == true, "\(error as Any)")
            #expect(files.names == before)
        }
        let totals = try await Shop(files.scratch.ledger).ledger.totals(of: .shoes)
        #expect(totals?.awaiting == 5)
    }

    @Test("an older copy put back by hand is accepted by one call, beside a server") func rawCopy() async throws {
        let files = try await files()
        try FileManager.default.removeItem(atPath: files.scratch.ledger)
        try FileManager.default.copyItem(atPath: files.backup, toPath: files.scratch.ledger)
        let shop = try await Shop(files.scratch.ledger)
        try await shop.open(.hats)
        try shop.plant("UPDATE sale SET price = 1 WHERE id = 'hats'")
        try await SQLiteOrderLedger.acceptLoss(path: files.scratch.ledger)
        let record = try await shop.ledger.sale(.shoes)
        #expect(record?.epoch == 10_001 && record?.restoredEpoch == 10_001)
        #expect(try await shop.ledger.sales().damaged == [.hats], "a damaged sale stays damaged")
        try await SQLiteOrderLedger.acceptLoss(path: files.scratch.ledger)
        #expect(try await shop.ledger.sale(.shoes)?.epoch == 20_001)
        let missing = await #expect(throws: SeckillError.self) {
            try await SQLiteOrderLedger.acceptLoss(path: "\(files.scratch.ledger).missing")
        }
        #expect(missing?.message.hasSuffix("there is no such file; name another path") == true)
        #expect(!files.names.contains("ledger.sqlite.missing"))
    }
}

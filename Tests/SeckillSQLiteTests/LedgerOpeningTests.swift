import Foundation
import GRDB
import SeckillCore
import SeckillSQLite
import TestServers
import Testing

@Suite("Opening a ledger")
struct LedgerOpeningTests {
    private func failure(_ path: String) async throws -> SeckillError {
        try #require(await #expect(throws: SeckillError.self) { try await SQLiteOrderLedger.open(path: path) })
    }

    @Test("keeps what was there, and marks the file as a ledger") func reopening() async throws {
        let scratch = try Scratch()
        let order = try await {
            let shop = try await Shop(scratch.ledger)
            try await shop.open()
            return try await shop.record([Shop.reservation(1)])[0]
        }()
        let shop = try await Shop(scratch.ledger)
        #expect(try await shop.ledger.lookUp(order.id) == LedgerAnswer(order: order, epoch: 1))
        #expect(try shop.number("PRAGMA application_id") == 0x534B_4C47)
        #expect(try shop.number("PRAGMA user_version") == 3)
        #expect(try await shop.audit().violations == [])
    }

    @Test("makes an empty file a ledger") func empty() async throws {
        let scratch = try Scratch()
        try Data().write(to: URL(filePath: scratch.ledger))
        try await Shop(scratch.ledger).open()
    }

    @Test("works in many processes at once, the first time too") func together() async throws {
        let scratch = try Scratch()
        let shops = try await withThrowingTaskGroup(of: Shop.self) { group in
            for _ in 0..<8 { group.addTask { try await Shop(scratch.ledger) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await shops[0].open()
        for shop in shops { #expect(try await shop.ledger.sales().records.count == 1) }
    }

    @Test("refuses another program's database, and leaves it as it was") func foreign() async throws {
        for pragma in ["", "PRAGMA application_id = 7;", "PRAGMA user_version = 1;"] {
            let scratch = try Scratch()
            try await DatabaseQueue(path: scratch.ledger).write { db in
                try db.execute(sql: "\(pragma) CREATE TABLE player (id INTEGER)")
            }
            let before = try Data(contentsOf: URL(filePath: scratch.ledger))
            let error = try await failure(scratch.ledger)
            #expect(error.code == .invalid)
            #expect(error.message == "ledger \(scratch.ledger): it belongs to another program; name another path")
            #expect(try Data(contentsOf: URL(filePath: scratch.ledger)) == before)
        }
    }

    @Test("refuses what is no database") func noDatabase() async throws {
        let scratch = try Scratch()
        for size in [2, 100, 10_000] {
            let text = Data(repeating: UInt8(ascii: "x"), count: size)
            try text.write(to: URL(filePath: scratch.ledger))
            let error = try await failure(scratch.ledger)
            #expect(error.code == .invalid)
            #expect(error.message.hasSuffix("it is not an SQLite file; name another path"))
            #expect(try Data(contentsOf: URL(filePath: scratch.ledger)) == text)
        }
    }

    @Test("refuses a newer format") func newer() async throws {
        let scratch = try Scratch()
        try await Shop(scratch.ledger).plant("PRAGMA user_version = 4")
        let error = try await failure(scratch.ledger)
        #expect(error.code == .invalid)
        #expect(error.message.hasSuffix("it is of format 4 and this program knows 3; use the newer program"))
        let audit = await #expect(throws: SeckillError.self) { try await LedgerAudit.run(path: scratch.ledger) }
        #expect(audit?.message == error.message)
    }

    @Test("names a folder that is missing, and one that is no file") func folders() async throws {
        let scratch = try Scratch()
        let missing = scratch.folder.appending(path: "a/ledger.sqlite").path
        #expect(try await failure(missing).message.hasSuffix("\(scratch.folder.path)/a does not exist; create it"))
        #expect(try await failure(scratch.folder.path).message.hasSuffix("it is a directory; name a file in it"))
    }

    @Test("names a file that another process keeps locked") func locked() async throws {
        let scratch = try Scratch()
        try await Shop(scratch.ledger).open()
        let other = try OtherProcess(scratch.ledger)
        try await other.lock()
        let error = await #expect(throws: SeckillError.self) {
            try await SQLiteOrderLedger.open(path: scratch.ledger, patience: .milliseconds(50))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("another process holds it locked") == true)
    }

    @Test("names a file that may not be read", .disabled(if: geteuid() == 0, "root reads everything"))
    func unreadable() async throws {
        let scratch = try Scratch()
        try await Shop(scratch.ledger).open()
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: scratch.ledger)
        #expect(try await failure(scratch.ledger).message.hasSuffix("it cannot be read; check its owner and mode"))
    }

    @Test("names a read-only file", .enabled(if: SmallDisk.isAvailable, "needs the right to mount"))
    func readOnly() async throws {
        let disk = try SmallDisk(kilobytes: 1024)
        try await Shop(disk.ledger).open()
        try disk.setReadOnly(true)
        let error = try await failure(disk.ledger)
        #expect(error.code == .unavailable)
        #expect(error.message.hasSuffix("it is read-only; check its owner, mode and mount"))
        let other = try await failure(disk.folder.appending(path: "new.sqlite").path)
        #expect(other.message.contains("is read-only; SQLite must be able to create files beside the ledger"))
    }

    @Test("names a full disk", .enabled(if: SmallDisk.isAvailable, "needs the right to mount"))
    func full() async throws {
        let disk = try SmallDisk(kilobytes: 1024)
        let new = disk.folder.appending(path: "new.sqlite").path
        try await Shop(disk.ledger).open()
        try disk.fill()
        for path in [disk.ledger, new] {
            let error = try await failure(path)
            #expect(error.code == .unavailable)
            #expect(
                error.message.hasSuffix("its disk is full; free some space and start again"),
                "\(error) \(error.underlying as Any)"
            )
        }
        try disk.clear()
        for path in [disk.ledger, new] { try await Shop(path).open() }
    }
}

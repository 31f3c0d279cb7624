import Foundation
import GRDB
import SeckillCore
import Testing

@testable import SeckillSQLite

@Suite("A ledger whose files are moved, copied or grow")
struct LedgerFilesTests {
    @Test(
        "removed or replaced under a server: every call says so, and nothing is acknowledged",
        arguments: ["", "-wal", "-shm"],
        [true, false]
    )
    func lost(_ suffix: String, replaced: Bool) async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open()
        try await shop.ledger.check()
        let file = scratch.ledger + suffix
        if replaced {
            try FileManager.default.moveItem(atPath: file, toPath: "\(file).away")
            try FileManager.default.copyItem(atPath: "\(file).away", toPath: file)
        } else {
            try FileManager.default.removeItem(atPath: file)
        }
        let order = Shop.reservation(1).order
        let calls: [@Sendable () async throws -> Void] = [
            { try await shop.ledger.check() },
            { _ = try await shop.record([Shop.reservation(1)]) },
            { _ = try await shop.ledger.pay(order, at: Shop.start) },
            { _ = try await shop.ledger.restock(.shoes, adding: 1, id: "r") },
            { _ = try await shop.ledger.sale(.shoes) },
            { _ = try await shop.ledger.sales() },
        ]
        for call in calls {
            let error = await #expect(throws: SeckillError.self) { try await call() }
            #expect(error?.code == .unavailable)
            #expect(error?.message.hasPrefix("the ledger's file \(shop.ledger.path + suffix) was removed") == true)
        }
    }

    @Test("every name of one file leads to one path") func names() async throws {
        let scratch = try Scratch()
        let files = FileManager.default
        let (directory, file) = (scratch.folder.appending(path: "directory"), scratch.folder.appending(path: "link"))
        try files.createSymbolicLink(at: directory, withDestinationURL: scratch.folder)
        // The link is there before the file.
        try files.createSymbolicLink(atPath: file.path, withDestinationPath: "directory/ledger.sqlite")
        let paths = [file.path, directory.appending(path: "ledger.sqlite").path, scratch.ledger]
        var ledgers: [SQLiteOrderLedger] = []
        for path in paths + [scratch.folder.path + "/./directory/../" + scratch.folder.lastPathComponent + "/link"] {
            ledgers.append(try await SQLiteOrderLedger.open(path: path))
        }
        #expect(Set(ledgers.map(\.path)).count == 1, "\(ledgers.map(\.path))")
        #expect(ledgers[0].path.hasSuffix("\(scratch.folder.lastPathComponent)/ledger.sqlite"))
    }

    @Test("a file with two hard links is refused") func hardLinks() async throws {
        let scratch = try Scratch()
        try await { _ = try await Shop(scratch.ledger) }()
        let other = scratch.folder.appending(path: "other.sqlite").path
        try FileManager.default.linkItem(atPath: scratch.ledger, toPath: other)
        for path in [scratch.ledger, other] {
            let error = await #expect(throws: SeckillError.self) { try await SQLiteOrderLedger.open(path: path) }
            #expect(error?.code == .invalid)
            #expect(error?.message.contains("the file has 2 names (hard links)") == true)
        }
    }

    // MARK: Backup

    @Test("a backup beside busy writers ends, is complete, and is one file that only its owner reads")
    func backup() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        let other = try await Shop(scratch.ledger)
        try await shop.open(stock: 1_000_000)
        _ = try await shop.record((1...5000).map { Shop.reservation($0) })
        let target = scratch.folder.appending(path: "backup.sqlite").path
        let isDone = SharedFlag()
        let recorded = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                var sequence = 5000
                while !isDone.isSet {
                    _ = try await other.record((1...10).map { Shop.reservation(sequence + $0) })
                    sequence += 10
                }
                return sequence
            }
            for number in 1...3 {
                let path = number == 3 ? target : "\(target).\(number)"
                try await shop.ledger.backup(to: path)
            }
            isDone.set()
            return try await group.next()!
        }
        #expect(recorded > 5000, "nobody wrote")
        let audit = try await LedgerAudit.run(path: target)
        #expect(audit.violations == [])
        let awaiting = try #require(audit.sales.first?.totals.awaiting)
        #expect((5000...recorded).contains(awaiting) && awaiting % 10 == 0, "\(awaiting) of \(recorded)")
        let mode = try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path).sorted()
        #expect(
            names == [
                "backup.sqlite", "backup.sqlite.1", "backup.sqlite.2", "ledger.sqlite", "ledger.sqlite-shm",
                "ledger.sqlite-wal",
            ]
        )
    }

    @Test("a backup replaces no file, and a backup of no ledger is refused") func refusedBackups() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        let target = scratch.folder.appending(path: "backup.sqlite").path
        for name in [target, "\(target)-wal"] {
            try Data("mine".utf8).write(to: URL(filePath: name))
            let error = await #expect(throws: SeckillError.self) { try await shop.ledger.backup(to: target) }
            #expect(error?.code == .invalid && error?.message.contains("there is a file \(name) already") == true)
            #expect(try Data(contentsOf: URL(filePath: name)) == Data("mine".utf8))
            try FileManager.default.removeItem(atPath: name)
        }
        let missing = scratch.folder.appending(path: "missing.sqlite").path
        let error = await #expect(throws: SeckillError.self) {
            try await SQLiteOrderLedger.backup(from: missing, to: target)
        }
        #expect(error?.message.hasSuffix("there is no such file; name another path") == true)
        #expect(!FileManager.default.fileExists(atPath: target) && !FileManager.default.fileExists(atPath: missing))
    }

    // MARK: The write-ahead log

    private func logSize(_ scratch: Scratch) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(scratch.ledger)-wal")
        return attributes?[.size] as? Int ?? 0
    }

    @Test("the write-ahead log is emptied while readers overlap without a pause") func boundedLog() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 1_000_000)
        let isDone = SharedFlag()
        let readers = [try OtherProcess(scratch.ledger), try OtherProcess(scratch.ledger)]
        let wasEmptied = try await withThrowingTaskGroup(of: Void.self) { group in
            // Somebody always reads what was there before the last commit: a reader ends only when something was
            // committed since the next began, or when nobody can commit because the log is being emptied.
            group.addTask {
                try await readers[0].beginReading()
                var turn = 0
                while !isDone.isSet {
                    turn += 1
                    try await readers[turn % 2].beginReading()
                    let (start, end) = (logSize(scratch), ContinuousClock.now + .milliseconds(15))
                    while logSize(scratch) == start, ContinuousClock.now < end { await Task.yield() }
                    try await readers[(turn + 1) % 2].unlock()
                }
            }
            var (wasEmptied, before) = (false, 0)
            for batch in 0..<2000 where !wasEmptied {
                _ = try await shop.record((1...20).map { Shop.reservation(batch * 20 + $0) })
                let size = logSize(scratch)
                wasEmptied = size < before
                before = size
            }
            isDone.set()
            try await group.waitForAll()
            return wasEmptied
        }
        #expect(wasEmptied)
    }

    @Test("the write-ahead log shrinks again after a reader that took long") func shrinkingLog() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 1_000_000)
        let reader = try OtherProcess(scratch.ledger)
        try await reader.beginReading()
        var sequence = 0
        while logSize(scratch) < LedgerLog.maxSize + (16 << 20), sequence < 100_000 {
            _ = try await shop.record((1...100).map { Shop.reservation(sequence + $0) })
            sequence += 100
        }
        #expect(logSize(scratch) > LedgerLog.maxSize)
        try await reader.unlock()
        // The ledger tries once a second.
        let end = ContinuousClock.now + .seconds(10)
        while logSize(scratch) > LedgerLog.maxSize, ContinuousClock.now < end {
            sequence += 1
            _ = try await shop.record([Shop.reservation(sequence)])
        }
        #expect(logSize(scratch) <= LedgerLog.maxSize)
    }
}

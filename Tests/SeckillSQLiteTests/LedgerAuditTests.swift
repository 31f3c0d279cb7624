import Foundation
import SeckillCore
import SeckillSQLite
import Testing

@Suite("The audit")
struct LedgerAuditTests {
    /// One ledger with everything in it that may legally be there.
    private func season(_ scratch: Scratch) async throws -> Shop {
        let shop = try await Shop(scratch.ledger)
        let ledger = shop.ledger
        try await shop.open(.hats, stock: 0)
        try await shop.open(stock: 8, limit: 2)
        // Out of order, from several workers; 9 is still on its way, and 11 and 12 find no unit.
        var orders = try await shop.record([4, 2, 7, 1].map { Shop.reservation($0) })
        orders += try await shop.record([3, 6, 5, 8, 12, 11, 10].map { Shop.reservation($0) })
        _ = try await ledger.pay(orders[0].id, at: Shop.start)
        _ = try await ledger.pay(orders[1].id, at: Shop.start)
        _ = try await ledger.cancel(orders[2].id, at: Shop.start)
        _ = try await ledger.restock(.shoes, adding: 5, id: "restock.1")
        // The store was lost: what is open now is absorbed, what comes late is lost.
        _ = try await ledger.beginEpoch(after: 1, of: .shoes, in: .test)
        _ = try await shop.record([Shop.reservation(9), Shop.reservation(13)])
        _ = try await ledger.reject(Shop.reservation(14), because: .undeliverable, at: Shop.start)
        // A clock that was set back.
        let second = try await shop.record(
            (1...3).map { Shop.reservation($0, by: "bob", epoch: 2) },
            at: Timestamp(milliseconds: 0)
        )
        _ = try await ledger.reject(Shop.reservation(4, epoch: 2), because: .undeliverable, at: Shop.start)
        _ = try await ledger.pay(second[0].id, at: Timestamp(milliseconds: 1))
        _ = try await ledger.expire(dueAt: Shop.due, limit: 2)
        try await ledger.markReturnsApplied(try await ledger.pendingReturns(limit: 2))
        _ = try await ledger.cancel(orders[5].id, at: Shop.due)
        _ = try await ledger.restock(.shoes, adding: 1, id: "restock.2")
        _ = try await ledger.setAdmission(.paused, of: .shoes)
        return shop
    }

    @Test("finds nothing wrong in a ledger that has seen everything, and adds it up as the ledger does")
    func legal() async throws {
        let scratch = try Scratch()
        let shop = try await season(scratch)
        let audit = try await shop.audit()
        #expect(audit.violations == [])
        #expect(audit.sales.map(\.record.sale.id) == [.hats, .shoes])
        #expect(audit.sales.last?.totals == (try await shop.ledger.totals(of: .shoes)))
        #expect(audit.sales.last?.record == (try await shop.ledger.sale(.shoes)))
    }

    @Test("finds nothing wrong in an empty ledger") func empty() async throws {
        let scratch = try Scratch()
        let audit = try await Shop(scratch.ledger).audit()
        #expect(audit.violations == [])
        #expect(audit.sales == [])
    }

    @Test("names what other hands did", arguments: Planted.all) func finds(_ planted: Planted) async throws {
        let scratch = try Scratch()
        let shop = try await season(scratch)
        try shop.plant(planted.sql)
        let violations = try await shop.audit().violations
        #expect(violations.map(\.name).contains(planted.name), "\(violations)")
    }

    @Test("finds damaged pages") func damaged() async throws {
        let scratch = try Scratch()
        let page = try await {
            let shop = try await season(scratch)
            // Everything into the file itself, for the bytes below are changed there.
            try shop.plant("PRAGMA wal_checkpoint(TRUNCATE)")
            return try shop.number("SELECT rootpage FROM sqlite_schema WHERE name = 'purchase_id'")
        }()
        let file = try FileHandle(forUpdating: URL(filePath: scratch.ledger))
        try file.seek(toOffset: UInt64(page) * 4096 - 64)
        try file.write(contentsOf: Data(repeating: 0xFF, count: 64))
        try file.close()
        let violations = try await LedgerAudit.run(path: scratch.ledger).violations
        #expect(violations.map(\.name).contains(.corruptFile), "\(violations)")
    }

    @Test("finds nothing wrong at any instant of a busy sale") func busy() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 200, limit: 2)
        let ledger = shop.ledger
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for batch in 0..<10 {
                        let sequences = (0..<10).map { worker + 1 + 4 * (10 * batch + $0) }
                        let epoch = try await ledger.sale(.shoes)?.epoch ?? 0
                        let orders = try await ledger.record(
                            sequences.map { Shop.reservation($0, by: "user-\($0 % 90)", epoch: epoch) },
                            at: Shop.start
                        )
                        _ = try await ledger.pay(orders[0].id, at: Shop.start)
                        _ = try await ledger.cancel(orders[1].id, at: Shop.start)
                        _ = try await ledger.expire(dueAt: Shop.due, limit: 3)
                        try await ledger.markReturnsApplied(try await ledger.pendingReturns(limit: 5))
                        if batch % 5 == worker { _ = try await ledger.beginEpoch(after: epoch, of: .shoes, in: .test) }
                        if batch % 5 == 4 { _ = try await ledger.restock(.shoes, adding: 3, id: "\(worker).\(batch)") }
                    }
                }
            }
            for _ in 0..<20 {
                let violations = try await shop.audit().violations
                #expect(violations == [])
            }
            try await group.waitForAll()
        }
        let audit = try await shop.audit()
        #expect(audit.violations == [])
        #expect(audit.sales.first?.totals == (try await ledger.totals(of: .shoes)))
    }

    @Test("compares with a stock store's snapshot") func balance() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 10)
        let orders = try await shop.record((1...4).map { Shop.reservation($0) })
        _ = try await shop.ledger.cancel(orders[0].id, at: Shop.start)
        var snapshot = StockSnapshot(
            epoch: 1,
            remaining: 5,
            pending: 1,
            sequence: 5,
            version: 1,
            revision: 1,
            returned: 0
        )
        var audit = try await shop.audit()
        audit.check(snapshot, of: .shoes)
        #expect(audit.violations == [])
        snapshot.remaining = 4
        audit.check(snapshot, of: .shoes)
        #expect(audit.violations.map(\.name) == [.unbalanced])
        snapshot.epoch = 0
        audit.check(snapshot, of: .shoes)
        #expect(audit.violations.count == 1, "a store that is about to be rebuilt")
        // Units add up, and still one more was sold than counted.
        (snapshot.epoch, snapshot.remaining, snapshot.sequence) = (1, 5, 6)
        audit.check(snapshot, of: .shoes)
        #expect(audit.violations.map(\.name) == [.unbalanced, .unbalanced])
    }

    @Test("names a ledger that lacks orders which its store knows as recorded") func restoredLedger() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 10)
        _ = try await shop.record((1...4).map { Shop.reservation($0) })
        _ = try await shop.ledger.beginEpoch(after: 1, of: .shoes, in: .test)
        let reservations = (1...3).map { Shop.reservation($0, by: "bob-\($0)", epoch: 2) }
        _ = try await shop.record(reservations)
        func audit(epoch: Int, settled: Int, orders: Int = 0, isTrusted: Bool = true) async throws -> [String] {
            var stock = StockSnapshot(epoch: epoch, remaining: 3, pending: 0, sequence: 3, version: 2, revision: 1)
            stock.settled = settled
            let books = StockBooks(
                sale: .shoes,
                stock: stock,
                orders: orders,
                isTrusted: isTrusted,
                pending: [],
                hasApplied: { _ in false }
            )
            return try await LedgerAudit.run(path: scratch.ledger) { [books] in [books] }.violations.map(
                \.name.rawValue
            )
        }
        let lost = ["ledger_lost_orders"]
        #expect(try await audit(epoch: 2, settled: 3, orders: 4) == [])
        #expect(try await audit(epoch: 2, settled: 4) == lost)
        #expect(try await audit(epoch: 2, settled: 3, orders: 5) == lost)
        #expect(try await audit(epoch: 3, settled: 0) == lost)
        // Closed, before or after a start: what is said of it stays the same.
        #expect(try await audit(epoch: 2, settled: 4, isTrusted: false) == lost)
        #expect(try await audit(epoch: 3, settled: 0, isTrusted: false) == lost)
        #expect(try await audit(epoch: 1, settled: 4, orders: 3) == [])
        #expect(try await audit(epoch: 1, settled: 4, orders: 4) == lost)
        var byCheck = try await shop.audit()
        byCheck.check(
            StockSnapshot(epoch: 3, remaining: 1, pending: 0, sequence: 0, version: 1, revision: 1),
            of: .shoes
        )
        #expect(byCheck.violations.map(\.name) == [.ledgerLostOrders])
        // An operator accepts it.
        _ = try await shop.ledger.raiseEpoch(of: .shoes, above: 3, acceptingLoss: true)
        for epoch in 1...3 { #expect(try await audit(epoch: epoch, settled: 9, orders: 90) == []) }
    }

    @Test("compares order by order with a store's books") func books() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 10)
        let taken = (1...6).map { Shop.reservation($0) }
        let orders = try await shop.record(Array(taken[..<4]))
        for order in orders[..<2] { _ = try await shop.ledger.cancel(order.id, at: Shop.start) }
        // The third is recorded and not acknowledged, the first is back and its return not closed.
        let good = StockBooks(
            sale: .shoes,
            stock: StockSnapshot(epoch: 1, remaining: 5, pending: 3, sequence: 6, version: 2, revision: 1, returned: 1),
            pending: [taken[2], taken[4], taken[5]],
            hasApplied: { $0 == orders[0].id.text }
        )
        func audit(_ change: (inout StockBooks) -> Void = { _ in }) async throws -> LedgerAudit {
            var books = good
            change(&books)
            return try await LedgerAudit.run(path: scratch.ledger) { [books] in [books] }
        }
        let clean = try await audit()
        #expect(clean.violations == [] && clean.sales.first?.stock?.pending == 2)
        for change: (inout StockBooks) -> Void in [
            { $0.stock.remaining = 4 }, { $0.stock.remaining = 6 }, { $0.hasApplied = { _ in false } },
            { $0.pending.removeFirst(2) },
        ] {
            let names = try await audit(change).violations.map(\.name)
            #expect(names.contains(.unbalanced), "\(names)")
        }
        let taken7 = try await audit { $0.stock.sequence = 7 }.violations.map(\.name)
        #expect(taken7 == [.lostOrder, .unbalanced])
        for change: (inout StockBooks) -> Void in [
            { $0.stock.epoch = 0 },
            { ($0.stock.sequence, $0.stock.remaining, $0.pending) = (3, 7, []) },
        ] { #expect(try await audit(change).violations == [], "a store that is about to be rebuilt") }

        // Of books that change under the reader only what can never be is a violation.
        var reads = 0
        let moving = try await LedgerAudit.run(path: scratch.ledger) {
            reads += 1
            var books = good
            (books.stock.remaining, books.stock.version) = (4, reads)
            return [books]
        }
        #expect(moving.violations == [] && reads == 4)
    }

    @Test("refuses what is no ledger, and says so") func refuses() async throws {
        let scratch = try Scratch()
        let error = await #expect(throws: SeckillError.self) { try await LedgerAudit.run(path: scratch.ledger) }
        #expect(error?.message.hasSuffix("there is no such file; name another path") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.ledger), "it made the file")
    }
}

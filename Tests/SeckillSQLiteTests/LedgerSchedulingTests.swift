import Foundation
import GRDB
import SeckillCore
import Testing

@testable import SeckillSQLite

@Suite("How a ledger's calls share its file")
struct LedgerSchedulingTests {
    // MARK: Writes

    /// Transactions in the write-ahead log.
    private func commits(_ scratch: Scratch) throws -> Int {
        let log = try Data(contentsOf: URL(filePath: "\(scratch.ledger)-wal"))
        let (salts, frame) = (log[16..<24], 24 + 4096)
        return stride(from: 32, to: log.count - frame + 1, by: frame).count { start in
            log[(start + 8)..<(start + 16)].elementsEqual(salts) && log[(start + 4)..<(start + 8)].contains { $0 != 0 }
        }
    }

    /// Calls `act` for each order at once while another process holds the ledger's lock, so that the calls share
    /// transactions afterwards.
    private func together(
        _ orders: [Order],
        on scratch: Scratch,
        _ act: @escaping @Sendable (Order) async throws -> Void
    ) async throws {
        let other = try OtherProcess(scratch.ledger)
        try await other.lock()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for order in orders { group.addTask { try await act(order) } }
            try await other.unlock()
            try await group.waitForAll()
        }
    }

    @Test("payments that come together share transactions, and all are made") func grouping() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 200)
        // Few enough that SQLite does not start the log over.
        let orders = try await shop.record((1...200).map { Shop.reservation($0) })
        let before = try commits(scratch)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for order in orders {
                group.addTask {
                    guard case .done = try await shop.ledger.pay(order.id, at: Shop.start) else {
                        Issue.record("not paid")
                        return
                    }
                }
            }
            try await group.waitForAll()
        }
        let made = try commits(scratch) - before
        #expect((1...150).contains(made), "\(made) transactions for 200 payments")
        #expect(try await shop.ledger.totals(of: .shoes)?.paid == 200)
        #expect(try await shop.audit().violations == [])
    }

    @Test("a transaction of many payments reads and saves their sale once") func payments() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger, patience: .seconds(60))
        try await shop.open(stock: 1000)
        let orders = try await shop.record((1...1000).map { Shop.reservation($0) })
        let before = try await shop.ledger.sales().change
        try await together(orders, on: scratch) { order in
            guard case .done = try await shop.ledger.pay(order.id, at: Shop.start) else {
                Issue.record("not paid")
                return
            }
        }
        // A transaction ends after 10 ms, which are a few payments on a slow machine.
        let saves = try await shop.ledger.sales().change - before
        #expect((1...200).contains(saves), "the sale was saved \(saves) times")
        #expect(try await shop.ledger.totals(of: .shoes)?.paid == 1000)
        #expect(try await shop.audit().violations == [])
    }

    @Test("of payments in one transaction, one that fails undoes no other") func isolation() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 100)
        let orders = try await shop.record((1...20).map { Shop.reservation($0) })
        try shop.plant(
            """
            CREATE TRIGGER failure BEFORE UPDATE ON purchase WHEN old.sequence = 7
            BEGIN SELECT RAISE(ABORT, 'the seventh'); END
            """
        )
        let paid = Locked<Set<Int>>([])
        try await together(orders, on: scratch) { order in
            do {
                guard case .done = try await shop.ledger.pay(order.id, at: Shop.start) else { return }
                paid.withLock { _ = $0.insert(order.sequence) }
            } catch let error as SeckillError {
                #expect(error.code == .invalid && order.sequence == 7, "\(error)")
            }
        }
        #expect(paid.withLock { $0 } == Set(1...20).subtracting([7]))
        try shop.plant("DROP TRIGGER failure")
        #expect(try await shop.ledger.totals(of: .shoes)?.paid == 19)
        #expect(try await shop.audit().violations == [])
    }

    @Test("of cancellations in one transaction, one that fails half-way changes no sums") func sums() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 100)
        let orders = try await shop.record((1...20).map { Shop.reservation($0) })
        try shop.plant(
            """
            CREATE TRIGGER failure BEFORE INSERT ON stock_return WHEN new.purchase = 7
            BEGIN SELECT RAISE(ABORT, 'the seventh'); END
            """
        )
        try await together(orders, on: scratch) { order in
            do {
                _ = try await shop.ledger.cancel(order.id, at: Shop.start)
            } catch let error as SeckillError {
                #expect(error.code == .invalid && order.sequence == 7, "\(error)")
            }
        }
        try shop.plant("DROP TRIGGER failure")
        let totals = try await shop.ledger.totals(of: .shoes)
        #expect(totals == SaleTotals(stock: 100, awaiting: 1, cancelled: 19, returning: 19))
        #expect(try await shop.audit().violations == [])
    }

    @Test("more writes than may wait are refused at once, and the others are made") func overload() async throws {
        let writes = GroupedWrites()
        let ends = Locked<[Bool]>([])
        let write = GroupedWrites.Write(turn: Turn(.seconds(60))) { _ in
            { error in ends.withLock { $0.append(error == nil) } }
        } fail: { _ in
            ends.withLock { $0.append(false) }
        }
        #expect(try writes.add(write), "the first must be scheduled")
        for _ in 1..<GroupedWrites.maxWaiting { #expect(try !writes.add(write)) }
        let error = #expect(throws: SeckillError.self) { try writes.add(write) }
        #expect(error?.code == .overloaded)
        let queue = try DatabaseQueue()
        var transactions = 0
        while try await queue.write({ db in writes.perform { try $0(db) } }) { transactions += 1 }
        let least = GroupedWrites.maxWaiting / GroupedWrites.maxCount
        #expect((least...50 * least).contains(transactions + 1), "\(transactions)")
        #expect(ends.withLock { $0 } == Array(repeating: true, count: GroupedWrites.maxWaiting))
        #expect(try writes.add(write), "the next must be scheduled again")
    }

    // MARK: Reads

    private static let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    @Test("a read that takes too long ends, and so do those that wait for its reader", .timeLimit(.minutes(1)))
    func readDeadline() async throws {
        let scratch = try Scratch()
        let file = try LedgerFile(path: scratch.ledger, patience: .milliseconds(300))
        await withTaskGroup(of: Void.self) { group in
            // More than there are readers.
            for _ in 0..<12 {
                group.addTask {
                    let error = await #expect(throws: SeckillError.self) {
                        try await file.read { db in try Int.fetchOne(db, sql: Self.endless) }
                    }
                    #expect(error?.code == .unavailable)
                }
            }
        }
        // The readers are as good as new.
        for _ in 0..<12 {
            let seven = try await file.read { db in try Int.fetchOne(db, sql: "SELECT 7") }
            #expect(seven == 7)
        }
    }

    @Test("sales that have changed are found by an index, and one row says that none have") func changes()
        async throws
    {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        let queue = try DatabaseQueue(path: scratch.ledger)
        for number in 1...100 { try await shop.open(SaleID("sale-\(number)")!) }
        let change = try await shop.ledger.sales().change
        _ = try await shop.ledger.setAdmission(.paused, of: SaleID("sale-7")!)
        let rows = Locked<[String]>([])
        try await queue.read { db in
            db.trace { event in rows.withLock { $0.append("\(event)") } }
            defer { db.trace() }
            let listing = try SaleBook.changed(after: change, db)
            #expect(listing.records.map(\.sale.id.text) == ["sale-7"])
            let before = rows.withLock { $0.count }
            #expect(try SaleBook.changed(after: listing.change, db) == SaleListing([], change: listing.change))
            #expect(rows.withLock { $0.count } == before + 1)
        }
        let plan = try await queue.read { [rows] db in
            let query = try #require(rows.withLock { $0.first { $0.contains("FROM sale ") } })
            return try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(query)", arguments: [0]).map {
                $0["detail"] as String
            }
        }
        #expect(plan.contains { $0.contains("sale_change (change>?)") }, "\(plan)")
    }

    @Test("what runs for each order uses an index, and orders of one time lie together there") func plans()
        async throws
    {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 100)
        let seconds = (0..<10).map { UInt32(1_800_000_000 + $0) }
        let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
        let reservations = seconds.enumerated().map { number, second in
            let user = UserID("user-\(number)")!
            let now = Timestamp(milliseconds: Int64(second) * 1000 + 999)
            let order = signer.mintOrder(sale: .shoes, epoch: 1, user: user, at: now)
            #expect(order.second == second)
            return Reservation(order: order, user: user, sequence: number + 1, reservedAt: Shop.start)
        }
        let orders = try await shop.record(reservations.shuffled())
        let found = try await DatabaseQueue(path: scratch.ledger).read { db in
            try String.fetchAll(db, sql: "SELECT id FROM purchase INDEXED BY purchase_id ORDER BY sale, id_hash")
        }
        #expect(found == reservations.map(\.order.text), "in the order of minting")
        for order in orders { #expect(try await shop.ledger.lookUp(order.id).order == order) }
        // An entry of the users' index that an order leaves where it is when it expires.
        let pages = "SELECT count(*) FROM purchase WHERE (status = 'cancelled' OR status = 'rejected') = 0"
        _ = try await shop.ledger.expire(dueAt: Shop.due, limit: 10)
        #expect(try shop.number(pages) == 10)
        let plan = try await DatabaseQueue(path: scratch.ledger).read { db in
            let query = """
                EXPLAIN QUERY PLAN SELECT count(*) FROM purchase WHERE sale = 1 AND user_hash = 1
                AND (status = 'cancelled' OR status = 'rejected') = 0 AND live = 1 AND user = 'a'
                """
            return try Row.fetchAll(db, sql: query).map { $0["detail"] as String }
        }
        #expect(plan.contains { $0.contains("purchase_user (sale=? AND user_hash=? AND <expr>=?)") }, "\(plan)")
        #expect(try await shop.audit().violations == [])
    }

    @Test("the log is copied beside writers, and started over") func log() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger, patience: .seconds(60))
        try await shop.open(stock: 1_000_000)
        let page = 4096 + 24
        var sequence = 0
        var (highest, length) = (0, 0)
        // Enough to fill the log several times.
        while highest == 0 || length >= highest, sequence < 200_000 {
            _ = try await shop.record((1...500).map { Shop.reservation(sequence + $0) })
            sequence += 500
            length = try logLength(scratch)
            highest = max(highest, length)
        }
        #expect(length < highest, "the log was not started over")
        #expect((LedgerLog.interval...LedgerLog.maxSize / page).contains(highest), "\(highest) pages")
        #expect(try await shop.ledger.totals(of: .shoes)?.awaiting == sequence)
    }

    /// Pages in the write-ahead log since it was last started over.
    private func logLength(_ scratch: Scratch) throws -> Int {
        let log = try FileHandle(forReadingFrom: URL(filePath: "\(scratch.ledger)-wal"))
        defer { try? log.close() }
        let header = try log.read(upToCount: 32) ?? Data()
        let salts = header[16..<24]
        var (low, high) = (0, Int(try log.seekToEnd()) / (4096 + 24) + 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            try log.seek(toOffset: UInt64(32 + (middle - 1) * (4096 + 24)))
            let frame = try log.read(upToCount: 16) ?? Data()
            if frame.count == 16, frame[8..<16].elementsEqual(salts) { low = middle } else { high = middle }
        }
        return low
    }

    // MARK: Epochs

    @Test("who held units when an epoch began is the same, however late it is read") func heldUnits() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(limit: 3)
        let users = ["alice", "alice", "bob", "carol", "dave"]
        let orders = try await shop.record(users.enumerated().map { Shop.reservation($0.offset + 1, by: $0.element) })
        _ = try await shop.ledger.pay(orders[1].id, at: Shop.start)
        _ = try await shop.ledger.cancel(orders[4].id, at: Shop.start)
        guard case .begun(let stock) = try await shop.ledger.beginEpoch(after: 1, of: .shoes, in: .test) else {
            Issue.record("no epoch")
            return
        }
        #expect(stock.remaining == 6)
        #expect(stock.held == [UserID("alice")!: 2, UserID("bob")!: 1, UserID("carol")!: 1])
        _ = try await shop.ledger.cancel(orders[0].id, at: Shop.start)
        _ = try await shop.record([Shop.reservation(6, by: "eve")])
        _ = try await shop.ledger.restock(.shoes, adding: 1, id: "r")
        #expect(try await shop.ledger.expire(dueAt: Shop.due, limit: 10).count == 2)
        let queue = try DatabaseQueue(path: scratch.ledger)
        let later = try await queue.read { db in try HeldUnits.read(epoch: 2, of: .shoes, db) }
        #expect(later == stock.held)
        _ = try await shop.ledger.raiseEpoch(of: .shoes, above: 2, acceptingLoss: false)
        let over = try await queue.read { db in try HeldUnits.read(epoch: 2, of: .shoes, db) }
        #expect(over == nil)
    }
}

import GRDB
import SeckillCore
import SeckillSQLite
import TestServers
import Testing

@Suite("A ledger whose file fails")
struct LedgerOutageTests {
    /// Every method that writes, each with something to do.
    private static func writes(_ orders: [Order]) -> [(String, @Sendable (SQLiteOrderLedger) async throws -> Void)] {
        let (paid, cancelled) = (orders[0].id, orders[1].id)
        return [
            ("record", { _ = try await $0.record([Shop.reservation(50)], at: Shop.start) }),
            ("reject", { _ = try await $0.reject(Shop.reservation(51), because: .undeliverable, at: Shop.start) }),
            ("pay", { _ = try await $0.pay(paid, at: Shop.start) }),
            ("cancel", { _ = try await $0.cancel(cancelled, at: Shop.start) }),
            ("expire", { _ = try await $0.expire(dueAt: Shop.due, limit: 1) }),
            ("markReturnsApplied", { try await $0.markReturnsApplied(try await $0.pendingReturns(limit: 1)) }),
            ("restock", { _ = try await $0.restock(.shoes, adding: 1, id: "r") }),
            ("setAdmission", { _ = try await $0.setAdmission(.paused, of: .shoes) }),
            ("beginEpoch", { _ = try await $0.beginEpoch(after: 1, of: .shoes, in: .test) }),
        ]
    }

    /// A shop in which every method that writes has something to do.
    private func stocked(_ path: String, patience: Duration = .seconds(5)) async throws -> (Shop, [Order]) {
        let shop = try await Shop(path, patience: patience)
        try await shop.open(stock: 100)
        let orders = try await shop.record((1...5).map { Shop.reservation($0) })
        _ = try await shop.ledger.cancel(orders[4].id, at: Shop.start)
        return (shop, orders)
    }

    private func expectUnavailable(_ shop: Shop, _ orders: [Order], _ what: String) async {
        for (name, write) in Self.writes(orders) {
            let error = await #expect(throws: SeckillError.self, "\(name)") { try await write(shop.ledger) }
            #expect(error?.code == .unavailable && error?.message.contains(what) == true, "\(name): \(error as Any)")
        }
    }

    @Test("locked by another process: unavailable, still readable, and nothing is lost when it heals")
    func locked() async throws {
        let scratch = try Scratch()
        // Short, for nine calls wait for it one after the other; long enough for a slow machine to get its turn.
        let (shop, orders) = try await stocked(scratch.ledger, patience: .seconds(1))
        let before = try await shop.ledger.totals(of: .shoes)
        let other = try OtherProcess(scratch.ledger)
        try await other.lock()
        await expectUnavailable(shop, orders, "locked")
        #expect(try await shop.ledger.totals(of: .shoes) == before)
        #expect(try await shop.ledger.lookUp(orders[0].id).order == orders[0])
        #expect(try await shop.audit().violations == [])
        try await other.unlock()
        for (_, write) in Self.writes(orders) { try await write(shop.ledger) }
        #expect(try await shop.audit().violations == [])
    }

    @Test("locked: calls that wait behind each other fail together, not one after the other")
    func queueing() async throws {
        let scratch = try Scratch()
        let (shop, orders) = try await stocked(scratch.ledger, patience: .seconds(1))
        let other = try OtherProcess(scratch.ledger)
        try await other.lock()
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let error = await #expect(throws: SeckillError.self) {
                        try await shop.ledger.pay(orders[0].id, at: Shop.start)
                    }
                    #expect(error?.code == .unavailable)
                }
            }
        }
        // 20 after each other would take 20 s.
        #expect(ContinuousClock.now - start < .seconds(10))
        try await other.unlock()
        guard case .done = try await shop.ledger.pay(orders[0].id, at: Shop.start) else {
            Issue.record("not paid after it healed")
            return
        }
    }

    @Test("cancelled while it waits: nothing happens") func cancelled() async throws {
        let scratch = try Scratch()
        let (shop, orders) = try await stocked(scratch.ledger)
        let other = try OtherProcess(scratch.ledger)
        try await other.lock()
        let first = Task { try await shop.ledger.pay(orders[0].id, at: Shop.start) }
        let second = Task { try await shop.ledger.pay(orders[1].id, at: Shop.start) }
        second.cancel()
        try await other.unlock()
        _ = try await first.value
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(try await shop.ledger.lookUp(orders[1].id).order?.status == .awaitingPayment)
    }

    @Test(
        "on a full disk: unavailable, still readable, and nothing is lost when it heals",
        .enabled(if: SmallDisk.isAvailable, "needs the right to mount")
    )
    func full() async throws {
        let disk = try SmallDisk(kilobytes: 2048)
        let (shop, orders) = try await stocked(disk.ledger)
        let before = try await shop.ledger.totals(of: .shoes)
        try disk.fill()
        await expectUnavailable(shop, orders, "full")
        #expect(try await shop.ledger.totals(of: .shoes) == before)
        #expect(try await shop.audit().violations == [])
        try disk.clear()
        for (_, write) in Self.writes(orders) { try await write(shop.ledger) }
        #expect(try await shop.audit().violations == [])
    }

    @Test(
        "on a disk that fills up: every order that was acknowledged is there",
        .enabled(if: SmallDisk.isAvailable, "needs the right to mount")
    )
    func fillingUp() async throws {
        let disk = try SmallDisk(kilobytes: 1024)
        let shop = try await Shop(disk.ledger)
        try await shop.open(stock: 100_000)
        var recorded: [Order] = []
        var failure: SeckillError?
        while failure == nil, recorded.count < 50_000 {
            let batch = (1...100).map { Shop.reservation(recorded.count + $0) }
            do {
                recorded += try await shop.record(batch)
            } catch let error as SeckillError {
                failure = error
            }
        }
        #expect(failure?.code == .unavailable)
        #expect(try await shop.ledger.totals(of: .shoes)?.awaiting == recorded.count)
        #expect(try await shop.audit().violations == [])
        for order in recorded { #expect(try await shop.ledger.lookUp(order.id).order == order) }
    }

    @Test("the k-th row of a batch fails, for every k: nothing of the batch is recorded, and it can be repeated")
    func kthRow() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 6, limit: 1)
        // Rejections too: the last four find no unit, so their returns are rows of the batch as well.
        let batch = (1...10).map { Shop.reservation($0) }
        let before = try await shop.ledger.sale(.shoes)
        for (table, rows) in [("purchase", 10), ("stock_return", 4)] {
            for k in 0..<rows {
                try shop.plant(
                    """
                    CREATE TRIGGER failure BEFORE INSERT ON \(table) WHEN (SELECT count(*) FROM \(table)) = \(k)
                    BEGIN SELECT RAISE(ABORT, 'row \(k)'); END
                    """
                )
                let error = await #expect(throws: SeckillError.self) { try await shop.record(batch) }
                #expect(error?.code == .invalid)
                try shop.plant("DROP TRIGGER failure")
                #expect(try await shop.ledger.sale(.shoes) == before)
                #expect(try await shop.ledger.totals(of: .shoes) == SaleTotals(stock: 6))
                #expect(try shop.number("SELECT (SELECT count(*) FROM purchase) + count(*) FROM stock_return") == 0)
                #expect(try await shop.audit().violations == [])
            }
        }
        let orders = try await shop.record(batch)
        #expect(
            orders.map(\.status) == Array(repeating: .awaitingPayment, count: 6) + Array(repeating: .rejected, count: 4)
        )
        #expect(try await shop.audit().violations == [])
    }
}

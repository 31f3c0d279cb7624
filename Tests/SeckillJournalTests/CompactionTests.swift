import SeckillTesting
import Testing

@testable import SeckillCore
@testable import SeckillJournal

@Suite("Compaction")
struct CompactionTests {
    private let sale = Shop.sale

    private func limits(compactingAbove size: Int) -> Journal.Limits {
        var limits = Journal.Limits.patient
        limits.compaction = size
        return limits
    }

    @Test("keeps everything that a sale knows, through entries as through an image")
    func nothingIsLost() async throws {
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        var shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 1 << 30))
        try await shop.open(units: 100, limitPerUser: 2)
        var orders: [OrderID] = []
        for user in 0..<20 { orders.append(try #require(await shop.buy(as: .number(user)))) }
        try await shop.record(10)
        _ = try await shop.flashSale.cancel(orders[3], of: .number(3))
        _ = try await ledger.restock(sale, adding: 5, id: "restock.1")
        let returns = try await ledger.pendingReturns(limit: 10)
        _ = try await shop.stores.stock.giveBack(returns)
        _ = try await shop.flashSale.setAdmission(.paused, of: sale)
        let waiting = try await shop.stores.stock.outbox.receive(2, as: ConsumerID("test"), wait: .zero)
        guard case .reservation(let rejected) = waiting[1].content else { return }
        _ = try await ledger.reject(rejected, because: .undeliverable, at: SystemClock().now)
        try await shop.stores.stock.outbox.deadLetter(waiting[1], because: "test")
        let snapshot = try await shop.stores.stock.snapshot(of: sale)
        await shop.stores.close()

        // From now on the smallest entry is too much, so that every group is followed by a compaction.
        for round in 1...3 {
            shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 1))
            #expect(try await shop.stores.stock.snapshot(of: sale) == snapshot, "round \(round)")
            for (number, order) in orders.enumerated() {
                let outcome = try await shop.stores.stock.reserve(order, for: .number(number))
                #expect(outcome == .alreadyReserved(sequence: number + 1), "round \(round)")
            }
            let outcomes = try await shop.stores.stock.giveBack(returns)
            #expect(outcomes == [.alreadyApplied, .alreadyApplied], "round \(round)")
            #expect(try await shop.stores.stock.outbox.depth().deadLettered == 1, "round \(round)")
            let other = try Sale(
                id: SaleID("other-\(round)")!,
                title: "Other",
                price: 1,
                stock: 1,
                opensAt: Timestamp(milliseconds: 0)
            )
            _ = try await shop.flashSale.create(other)
            let compaction = shop.stores.stock.journal.compaction
            try await eventually("it is compacted") { compaction.count > 0 }
            await shop.stores.close()
            #expect(try #require(disk.generation(of: .stockFile)) >= round)
        }
        shop = try await Shop(on: disk, ledger: ledger)
        _ = try await shop.flashSale.setAdmission(.open, of: sale)
        // Two for each user, less what they hold: 3 gave one back.
        #expect(await shop.buy(as: .number(3)) != nil)
        #expect(await shop.buy(as: .number(3)) != nil)
        #expect(await shop.buy(as: .number(3)) == nil)
        #expect(await shop.buy(as: .number(4)) != nil)
        #expect(await shop.buy(as: .number(4)) == nil)
    }

    @Test("goes on while orders are taken, and loses none of them")
    func whileSelling() async throws {
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        let shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 2000))
        try await shop.open(units: 2000)
        var orders = await withTaskGroup(of: [OrderID].self) { group in
            for caller in 0..<20 {
                group.addTask {
                    var orders: [OrderID] = []
                    for number in 0..<50 {
                        if let order = await shop.buy(as: .number(caller * 50 + number)) { orders.append(order) }
                    }
                    return orders
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(orders.count == 1000)
        let compaction = shop.stores.stock.journal.compaction
        while compaction.count < 2, orders.count < 1900 {
            orders.append(try #require(await shop.buy(as: .number(orders.count))))
        }
        #expect(compaction.count > 1)
        await shop.stores.close()
        let again = try await Shop(on: disk.afterPowerLoss(nil), ledger: ledger)
        #expect(try await ledger.sale(sale)?.epoch == 1)
        #expect(try await again.stores.stock.snapshot(of: sale)?.sequence == orders.count)
        for order in orders {
            #expect(try await again.stores.stock.reservation(of: order) != nil)
        }
    }

    @Test("keeps the file of one sale after another small: what is over and in the ledger goes")
    func season() async throws {
        let clock = ManualClock()
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        let shop = try await Shop(on: disk, ledger: ledger, clock: clock, limits: limits(compactingAbove: 20_000))
        var largest = 0
        var sweeps = Reconciler.State()
        for number in 0..<40 {
            let id = SaleID("sale-\(number)")!
            let declaration = try Sale(
                id: id,
                title: "One of many",
                price: 1,
                stock: 50,
                opensAt: clock.now,
                closesAt: clock.now + .seconds(3600)
            )
            _ = try await shop.flashSale.create(declaration)
            for user in 0..<50 {
                let user = UserID.number(user)
                guard case .granted(let link) = await shop.flashSale.link(to: id, for: .user(user)) else {
                    Issue.record("no link")
                    return
                }
                guard case .accepted = await shop.flashSale.purchase(link.token, of: id, by: .user(user)) else {
                    Issue.record("not bought")
                    return
                }
            }
            try await shop.settle()
            try await ledger.payAll(of: id, at: clock.now)
            // The sale ends, and so do the days after it: nothing may still be waiting for the disk, or it waits too long.
            let journal = shop.stores.stock.journal
            try await journal.wait(for: journal.lastTicket)
            clock.advance(by: .seconds(300_000))
            // The reconciler's work: a sale that is over and recorded is retired.
            for _ in 0..<2 { try await shop.flashSale.reconciler.sweep(&sweeps) }
            largest = max(largest, shop.stores.stock.journal.writer.withLock { $0.file.end })
        }
        // 2,000 orders of about 100 bytes each have gone through it.
        #expect(largest < 100_000)
        for number in 0..<40 {
            let sale = SaleID("sale-\(number)")!
            #expect(try await shop.stores.stock.snapshot(of: sale) == nil)
            #expect(try await ledger.sale(sale)?.holder == nil)
        }
        try await shop.stores.stock.journal.wait(for: shop.stores.stock.journal.lastTicket)
        let again = try await Shop(on: disk.afterPowerLoss(nil), ledger: ledger, clock: clock)
        #expect(try await again.stores.stock.snapshot(of: SaleID("sale-39")!) == nil)
    }

    @Test(
        "that fails leaves the journal as it was, and is tried again",
        arguments: [SimulatedDisk.Operation.create, .rename]
    )
    func failing(_ operation: SimulatedDisk.Operation) async throws {
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        let shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 1000))
        disk.plan { found, _, _ in found == operation ? .failure("No space left on device") : nil }
        try await shop.open(units: 1000)
        for user in 0..<30 { #expect(await shop.buy(as: .number(user)) != nil) }
        #expect(shop.stores.stock.journal.compaction.count == 0)
        disk.plan(nil)
        for user in 30..<90 { #expect(await shop.buy(as: .number(user)) != nil) }
        let compaction = shop.stores.stock.journal.compaction
        try await eventually("it is compacted in the end") { compaction.count > 0 }
        await shop.stores.close()
        let again = try await Shop(on: disk.afterPowerLoss(nil), ledger: ledger)
        #expect(try await again.stores.stock.snapshot(of: sale)?.sequence == 90)
    }

    @Test("whose new name is not durable yet lets nothing be acknowledged")
    func nameNotDurable() async throws {
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        let shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 1000))
        disk.plan { found, _, _ in found == .syncDirectory ? .failure("Input/output error") : nil }
        try await shop.open(units: 1000)
        var acknowledged: [OrderID] = []
        for user in 0..<900 {
            guard let order = await shop.buy(as: .number(user)) else { break }
            acknowledged.append(order)
        }
        #expect((1..<900).contains(acknowledged.count))
        let after = try await Shop(on: disk.afterPowerLoss(nil), ledger: ledger)
        for order in acknowledged { #expect(try await after.stores.stock.reservation(of: order) != nil) }
        // And it heals.
        disk.plan(nil)
        try await eventually("it goes on") { await shop.buy(as: .number(999)) != nil }
    }

    @Test("whose process died before its new name was durable is found again by whoever builds upon it")
    func diedBeforeTheName() async throws {
        let disk = SimulatedDisk()
        let ledger = MemoryOrderLedger.forTests()
        let shop = try await Shop(on: disk, ledger: ledger, limits: limits(compactingAbove: 1000))
        try await shop.open(units: 1000)
        disk.plan { found, _, _ in found == .syncDirectory ? .death : nil }
        for user in 0..<900 where !disk.isDead { _ = await shop.buy(as: .number(user)) }
        #expect(disk.isDead)
        let killed = disk.afterKill()
        let second = try await Shop(on: killed, ledger: ledger)
        let order = try #require(await second.buy(as: .number(999)))
        let third = try await Shop(on: killed.afterPowerLoss(nil), ledger: ledger)
        #expect(try await third.stores.stock.reservation(of: order) != nil)
    }

    @Test("of sessions keeps those that last, and drops those that have ended")
    func sessions() async throws {
        let clock = ManualClock()
        let disk = SimulatedDisk()
        var stores = try await EmbeddedStores.open(on: disk, clock: clock, limits: limits(compactingAbove: 2000))
        var lasting: [SessionToken] = []
        for number in 0..<100 {
            let lifetime: Duration = number.isMultiple(of: 10) ? .seconds(1_000_000) : .seconds(10)
            let token = try await stores.sessions.create(for: .number(number), lifetime: lifetime)
            if number.isMultiple(of: 10) { lasting.append(token) }
            clock.advance(by: .seconds(1))
        }
        try await stores.sessions.revoke(lasting.removeFirst())
        let refreshed = try await stores.sessions.create(for: .number(1), lifetime: .seconds(10))
        _ = try await stores.sessions.refresh(refreshed, lifetime: .seconds(1_000_000))
        let compaction = stores.sessions.journal.compaction
        try await eventually("it is compacted, and not only as it was at first") {
            _ = try await stores.sessions.create(for: .number(1), lifetime: .seconds(1))
            clock.advance(by: .seconds(1))
            return compaction.count > 0 && stores.sessions.journal.writer.withLock { $0.file.end } < 6000
        }
        await stores.close()
        #expect(try #require(disk.end(of: .sessionFile)) < 6000)
        stores = try await EmbeddedStores.open(on: disk, clock: clock)
        clock.advance(by: .seconds(1000))
        for token in lasting + [refreshed] { #expect(try await stores.sessions.look(up: token) != nil) }
    }
}

extension MemoryOrderLedger {
    fileprivate func payAll(of sale: SaleID, at now: Timestamp) async throws {
        for user in 0..<50 {
            for order in try await orders(of: .number(user), limit: 1000) where order.id.sale == sale {
                _ = try await pay(order.id, at: now)
            }
        }
    }
}

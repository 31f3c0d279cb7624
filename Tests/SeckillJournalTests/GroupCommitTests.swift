import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("Group commit")
struct GroupCommitTests {
    private let sale = Shop.sale

    private func shop(_ disk: SimulatedDisk, units: Int = 100) async throws -> Shop {
        let shop = try await Shop(on: disk)
        try await shop.open(units: units)
        return shop
    }

    @Test("answers nobody before the sync, and everybody after it")
    func nobodyBeforeTheSync() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        disk.gate.close()
        let answered = Locked(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for user in 0..<20 {
                group.addTask {
                    #expect(await shop.buy(as: .number(user)) != nil)
                    answered.withLock { $0 += 1 }
                }
            }
            try await eventually("all are decided") {
                try await shop.stores.stock.snapshot(of: sale)?.remaining == 80 && disk.gate.waiting == 1
            }
            // The file knows none of them for certain, and nobody else may either.
            #expect(answered.withLock { $0 } == 0)
            #expect(try await shop.stores.stock.outbox.receive(10, as: ConsumerID("test"), wait: .zero).isEmpty)
            disk.gate.open()
            try await group.waitForAll()
        }
        #expect(try await shop.stores.stock.outbox.receive(100, as: ConsumerID("test"), wait: .zero).count == 20)
    }

    @Test("covers with one write and one sync all who wait")
    func oneSyncForAll() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        disk.gate.close()
        let before = disk.operations
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await shop.buy(as: .number(0)) }
            try? await eventually("the first is at the disk") { disk.gate.waiting == 1 }
            for user in 1..<50 { group.addTask { _ = await shop.buy(as: .number(user)) } }
            try? await eventually("the others are decided") {
                try await shop.stores.stock.snapshot(of: sale)?.remaining == 50
            }
            disk.gate.open()
        }
        // Two groups, each a write and a sync, and the marks behind them.
        #expect(disk.operations - before <= 6)
        #expect(try await shop.stores.stock.snapshot(of: sale)?.sequence == 50)
    }

    @Test("lets a repeated order wait for its own first attempt, and a look-up too")
    func repeatedOrder() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let link = try #require(await shop.link(for: .number(0)))
        disk.gate.close()
        let answered = Locked(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                #expect(await shop.buy(link, as: .number(0)) == link.order)
                answered.withLock { $0 += 1 }
            }
            try await eventually("the first is at the disk") { disk.gate.waiting == 1 }
            group.addTask {
                let outcome = try await shop.stores.stock.reserve(link.order, for: .number(0))
                #expect(outcome == .alreadyReserved(sequence: 1))
                answered.withLock { $0 += 1 }
            }
            group.addTask {
                let reservation = try await shop.stores.stock.reservation(of: link.order)
                #expect(reservation?.sequence == 1)
                answered.withLock { $0 += 1 }
            }
            try await eventually("all three wait") { shop.stores.stock.journal.callersWaiting == 3 }
            #expect(answered.withLock { $0 } == 0)
            disk.gate.open()
            try await group.waitForAll()
        }
        #expect(try await shop.stores.stock.snapshot(of: sale)?.remaining == 99)
    }

    @Test("lets a cancelled caller go, and its order happen once")
    func cancelled() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let link = try #require(await shop.link(for: .number(0)))
        disk.gate.close()
        let task = Task { try await shop.stores.stock.reserve(link.order, for: .number(0)) }
        try await eventually("it is at the disk") { disk.gate.waiting == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        disk.gate.open()
        #expect(try await shop.stores.stock.reserve(link.order, for: .number(0)) == .alreadyReserved(sequence: 1))
        #expect(try await shop.record() == 1)
    }

    @Test("lets a crowd of cancelled callers go, in any order, and answers those who stay")
    func cancelledCrowd() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk, units: 400)
        var links: [PurchaseLink] = []
        for user in 0..<400 { links.append(try #require(await shop.link(for: .number(user)))) }
        disk.gate.close()
        let tasks = links.enumerated().map { user, link in
            Task { try await shop.stores.stock.reserve(link.order, for: .number(user)) }
        }
        let journal = shop.stores.stock.journal
        try await eventually("all wait, in two groups") { journal.callersWaiting == 400 }
        let random = SeededRandom(7)
        let cancelled = Set((0..<200).map { _ in Int(random.next() % 400) })
        for number in cancelled.sorted(by: { ($0 &* 7919) % 401 < ($1 &* 7919) % 401 }) { tasks[number].cancel() }
        for number in cancelled {
            await #expect(throws: CancellationError.self) { try await tasks[number].value }
        }
        #expect(journal.callersWaiting == 400 - cancelled.count)
        disk.gate.open()
        for number in 0..<400 where !cancelled.contains(number) {
            guard case .reserved = try await tasks[number].value else {
                Issue.record("not reserved")
                continue
            }
        }
        #expect(try await shop.record() == 400)
    }

    @Test("writes the order of a caller who was cancelled before it could wait, and hands it on")
    func cancelledBefore() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let link = try #require(await shop.link(for: .number(0)))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await shop.stores.stock.reserve(link.order, for: .number(0))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // Nobody else comes; its unit is taken, and so its order must get to the ledger.
        try await eventually("it is durable") { shop.stores.stock.journal.bytesWaiting == 0 }
        #expect(try await shop.record() == 1)
        try await shop.audit("after the cancelled caller")
    }

    @Test("does not blame the disk for what it was not asked to write")
    func notAsked() async throws {
        let clock = ManualClock()
        let shop = try await Shop(on: SimulatedDisk(), clock: clock, limits: Journal.Limits())
        try await shop.open(units: 100)
        let journal = shop.stores.stock.journal
        // Behind everything that the disk's thread still has to do.
        await journal.onDisk {}
        _ = journal.append { $0.append(distrust: SaleID("other")!, epoch: 1) }
        clock.advance(by: .seconds(1))
        journal.look()
        #expect(journal.isAdmitting)
        try await eventually("it is written") { journal.bytesWaiting == 0 }
        #expect(journal.isAdmitting)
    }

    @Test("refuses without the disk")
    func refusals() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk, units: 1)
        let late = try #require(await shop.link(for: .number(1)))
        #expect(await shop.buy(as: .number(0)) != nil)
        // Behind everything that the disk's thread still has to do.
        await shop.stores.stock.journal.onDisk {}
        let before = disk.operations
        for _ in 0..<100 {
            let outcome = try await shop.stores.stock.reserve(late.order, for: .number(1))
            #expect(outcome == .soldOut(version: StockSnapshot.firstVersion(of: 1)))
        }
        #expect(disk.operations == before)
    }

    @Test("says after its end that it is over, and keeps what it has said")
    func closed() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let link = try #require(await shop.link(for: .number(1)))
        #expect(await shop.buy(as: .number(0)) != nil)
        await shop.stores.close()
        await #expect(throws: SeckillError.self) { try await shop.stores.stock.reserve(link.order, for: .number(1)) }
        let again = try await Shop(on: disk, ledger: shop.ledger)
        #expect(try await again.stores.stock.snapshot(of: sale)?.sequence == 1)
    }

    @Test("writes nothing after its end, when the file may be another's")
    func nothingAfterTheEnd() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        #expect(await shop.buy(as: .number(0)) != nil)
        await shop.stores.close()
        let before = disk.operations
        #expect(try await shop.record() == 1)
        await #expect(throws: SeckillError.self) { try await shop.stores.stock.distrust(sale, epoch: 1) }
        // What a retry or a flush does that was planned before the end.
        let journal = shop.stores.stock.journal
        await journal.onDisk { journal.drain() }
        #expect(disk.operations == before)
    }
}

import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("A disk in trouble")
struct TroubleTests {
    private let sale = Shop.sale

    private func shop(
        _ disk: SimulatedDisk,
        clock: any SaleClock = .system,
        limits: Journal.Limits = .patient
    ) async throws -> Shop {
        let shop = try await Shop(on: disk, clock: clock, limits: limits)
        try await shop.open(units: 100)
        return shop
    }

    private func expect(
        _ code: SeckillError.Code,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("no error", sourceLocation: sourceLocation)
        } catch {
            #expect((error as? SeckillError)?.code == code, "\(error)", sourceLocation: sourceLocation)
        }
    }

    @Test(
        "that fails stops admission at once, and starts it by itself once it heals",
        // The last as after the system has made the file system read-only.
        arguments: [[SimulatedDisk.Operation.write], [.sync], [.write, .resize, .sync]]
    )
    func failing(_ operations: [SimulatedDisk.Operation]) async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let links = try await links(2, in: shop)
        disk.plan { found, path, _ in
            operations.contains(found) && path.hasPrefix(.stockFile) ? .failure("Input/output error") : nil
        }
        // The first is admitted, and its caller told that nobody knows; the next is not admitted at all.
        await expect(.outcomeUnknown) { _ = try await shop.stores.stock.reserve(links[0].order, for: .number(0)) }
        await expect(.unavailable) { _ = try await shop.stores.stock.reserve(links[1].order, for: .number(1)) }
        await expect(.outcomeUnknown) { _ = try await shop.stores.stock.reserve(links[0].order, for: .number(0)) }
        await expect(.outcomeUnknown) { _ = try await shop.stores.stock.reservation(of: links[0].order) }
        #expect(try await shop.stores.stock.outbox.receive(10, as: ConsumerID("test"), wait: .zero).isEmpty)
        // Refusals need no disk: user 0 has what the sale allows.
        let second = try #require(await shop.link(for: .number(0)))
        #expect(try await shop.stores.stock.reserve(second.order, for: .number(0)) == .limitReached)
        // Sessions are another file.
        _ = try await shop.stores.sessions.create(for: .number(0), lifetime: .seconds(60))

        disk.plan(nil)
        try await eventually("it goes on") {
            (try? await shop.stores.stock.reserve(links[1].order, for: .number(1))) != nil
        }
        #expect(try await shop.stores.stock.reserve(links[0].order, for: .number(0)) == .alreadyReserved(sequence: 1))
        #expect(try await shop.record() == 2)
        try await shop.audit("after the trouble")

        // And all of it survives the power, though a sync had dropped the first order's pages.
        let after = try await Shop(on: disk.afterPowerLoss(nil), ledger: shop.ledger)
        #expect(try await after.stores.stock.snapshot(of: sale)?.sequence == 2)
        #expect(try await shop.ledger.sale(sale)?.epoch == 1)
    }

    @Test("that failed once goes on to write what nobody waits for")
    func acknowledging() async throws {
        let clock = ManualClock()
        let disk = SimulatedDisk()
        var limits = Journal.Limits()
        limits.retry = 1
        // Nobody looks after the disk here: what is acknowledged must be written without that.
        limits.watch = 1_000_000
        let shop = try await shop(disk, clock: clock, limits: limits)
        let journal = shop.stores.stock.journal
        for user in 0..<2 { #expect(await shop.buy(as: .number(user)) != nil) }
        disk.plan { operation, path, _ in
            operation == .sync && path.hasPrefix(.stockFile) ? .failure("Input/output error") : nil
        }
        #expect(await shop.buy(as: .number(2)) == nil)
        for _ in 0..<2 { #expect(try await shop.record(1) == 1) }
        disk.plan(nil)
        try await eventually("it heals") { journal.isAdmitting }
        #expect(await shop.buy(as: .number(3)) != nil)
        // Behind that group, which would otherwise take the acknowledgement with it.
        await journal.onDisk {}
        #expect(try await shop.record() == 2)
        try await eventually("the acknowledgement is written") { journal.bytesWaiting == 0 }
        clock.advance(by: .milliseconds(600))
        #expect(await shop.buy(as: .number(4)) != nil)
    }

    @Test("that is full says so before it takes anything, and goes on when there is room")
    func full() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let links = try await links(2, in: shop)
        // A file that has grown to its last byte must grow before the next.
        disk.plan { operation, path, _ in
            operation == .write && path.hasPrefix(.stockFile) ? .failure("No space left on device") : nil
        }
        await expect(.outcomeUnknown) { _ = try await shop.stores.stock.reserve(links[0].order, for: .number(0)) }
        for _ in 0..<1000 {
            await expect(.unavailable) { _ = try await shop.stores.stock.reserve(links[1].order, for: .number(1)) }
        }
        // A thousand callers later nothing more waits for the disk than at first.
        #expect(shop.stores.stock.journal.bytesWaiting < 500)
        disk.plan(nil)
        try await eventually("it goes on") {
            (try? await shop.stores.stock.reserve(links[1].order, for: .number(1))) != nil
        }
        try await shop.settle()
        try await shop.audit("after there was room again")
    }

    @Test("that takes too long stops admission, lets nobody wait for ever, and starts admission again")
    func slow() async throws {
        let clock = ManualClock()
        let disk = SimulatedDisk()
        var limits = Journal.Limits()
        limits.watch = 1
        let shop = try await shop(disk, clock: clock, limits: limits)
        let links = try await links(2, in: shop)
        disk.gate.close()
        let first = Task { try await shop.stores.stock.reserve(links[0].order, for: .number(0)) }
        try await eventually("it is at the disk") { disk.gate.waiting == 1 }
        clock.advance(by: limits.stall + .milliseconds(1))
        try await eventually("admission stops") { !shop.stores.stock.journal.isAdmitting }
        await expect(.unavailable) { _ = try await shop.stores.stock.reserve(links[1].order, for: .number(1)) }
        #expect(try await shop.stores.stock.snapshot(of: sale)?.remaining == 99)
        clock.advance(by: limits.patience)
        await expect(.outcomeUnknown) { _ = try await first.value }
        disk.gate.open()
        try await eventually("it goes on") {
            (try? await shop.stores.stock.reserve(links[1].order, for: .number(1))) != nil
        }
        // The one that nobody knew of has happened, once.
        #expect(try await shop.stores.stock.reserve(links[0].order, for: .number(0)) == .alreadyReserved(sequence: 1))
        #expect(try await shop.stores.stock.snapshot(of: sale)?.remaining == 98)
    }

    @Test("that takes two seconds for every sync stops and starts admission each time, and breaks no promise")
    func slowEveryTime() async throws {
        let clock = ManualClock()
        let disk = SimulatedDisk()
        var limits = Journal.Limits()
        limits.watch = 1
        let shop = try await shop(disk, clock: clock, limits: limits)
        let links = try await links(6, in: shop)
        let (stock, journal) = (shop.stores.stock, shop.stores.stock.journal)
        for round in 0..<5 {
            disk.gate.close()
            let task = Task { try await stock.reserve(links[round].order, for: .number(round)) }
            try await eventually("it is at the disk") { disk.gate.waiting == 1 }
            clock.advance(by: .seconds(2))
            try await eventually("admission stops") { !journal.isAdmitting }
            await expect(.unavailable) { _ = try await stock.reserve(links[5].order, for: .number(5)) }
            disk.gate.open()
            #expect(try await task.value == .reserved(sequence: round + 1))
            try await eventually("admission starts") { journal.isAdmitting }
        }
        #expect(try await shop.record() == 5)
        try await shop.audit("after five slow syncs")
    }

    @Test("uses up no epoch while no rebuild can come to its end")
    func noRebuild() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        disk.plan { operation, path, _ in
            operation == .sync && path.hasPrefix(.stockFile) ? .failure("Input/output error") : nil
        }
        await expect(.outcomeUnknown) { try await shop.stores.stock.distrust(sale, epoch: 1) }
        for _ in 0..<5 { await expect(.unavailable) { try await shop.reconcile() } }
        #expect(try await shop.ledger.sale(sale)?.epoch == 1)
        disk.plan(nil)
        try await eventually("it heals") { shop.stores.stock.journal.isAdmitting }
        try await shop.reconcile()
        #expect(try await shop.ledger.sale(sale)?.epoch == 2)
        #expect(await shop.buy(as: .number(0)) != nil)
    }

    @Test("does not keep a sale from being paused")
    func pausing() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        disk.plan { operation, path, _ in
            operation == .sync && path.hasPrefix(.stockFile) ? .failure("Input/output error") : nil
        }
        #expect(await shop.buy(as: .number(0)) == nil)
        _ = try await shop.flashSale.setAdmission(.paused, of: sale)
        #expect(try await shop.stores.stock.snapshot(of: sale)?.revision == 2)
        disk.plan(nil)
        try await eventually("it heals") { shop.stores.stock.journal.bytesWaiting == 0 }
        let after = try await Shop(on: disk.afterPowerLoss(nil), ledger: shop.ledger)
        #expect(try await after.stores.stock.snapshot(of: sale)?.revision == 2)
    }

    @Test("that is behind by more than may wait in memory is overloaded")
    func overloaded() async throws {
        let disk = SimulatedDisk()
        var limits = Journal.Limits.patient
        limits.buffer = 400
        let shop = try await shop(disk, limits: limits)
        let links = try await links(20, in: shop)
        disk.gate.close()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (user, link) in links.enumerated() {
                group.addTask {
                    do {
                        _ = try await shop.stores.stock.reserve(link.order, for: .number(user))
                        return true
                    } catch let error as SeckillError where error.code == .overloaded {
                        return false
                    }
                }
            }
            let first = try await group.next()
            #expect(first == false, "somebody was answered before the sync")
            disk.gate.open()
            let taken = try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            #expect((1..<20).contains(taken))
            #expect(try await shop.stores.stock.snapshot(of: sale)?.sequence == taken)
        }
        #expect(await shop.buy(as: .number(30)) != nil)
    }

    @Test("at the end keeps nobody waiting: what it did not take is unknown, and the next start decides")
    func closing() async throws {
        let disk = SimulatedDisk()
        let shop = try await shop(disk)
        let link = try await links(1, in: shop)[0]
        disk.plan { operation, path, _ in
            operation == .sync && path.hasPrefix(.stockFile) ? .failure("Input/output error") : nil
        }
        await expect(.outcomeUnknown) { _ = try await shop.stores.stock.reserve(link.order, for: .number(0)) }
        await shop.stores.close()
        // It had got as far as the file, and so it stands.
        disk.plan(nil)
        let after = try await Shop(on: disk, ledger: shop.ledger)
        #expect(try await after.stores.stock.reserve(link.order, for: .number(0)) == .alreadyReserved(sequence: 1))
    }

    @Test("when it is opened is reported, and nothing is begun")
    func opening() async throws {
        for operation in [SimulatedDisk.Operation.create, .write, .sync, .rename, .syncDirectory] {
            let disk = SimulatedDisk()
            disk.plan { found, _, _ in found == operation ? .failure("Read-only file system") : nil }
            await expect(.unavailable) { _ = try await EmbeddedStores.open(on: disk) }
            disk.plan(nil)
            try await EmbeddedStores.open(on: disk).close()
        }
    }

    private func links(_ count: Int, in shop: Shop) async throws -> [PurchaseLink] {
        var links: [PurchaseLink] = []
        for user in 0..<count { links.append(try #require(await shop.link(for: .number(user)))) }
        return links
    }
}

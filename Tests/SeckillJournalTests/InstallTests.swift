import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

/// Installations with so many holders that they reach the disk in pieces.
@Suite("An installation in pieces")
struct InstallTests {
    private static let holders = 9000
    private let sale = Shop.sale

    private func stock(epoch: Int, holders: Int = Self.holders) throws -> InstalledStock {
        InstalledStock(
            terms: SaleTerms(
                sale: sale,
                limitPerUser: 1,
                opensAt: Timestamp(milliseconds: 0),
                closesAt: nil,
                admission: .open,
                revision: 1
            ),
            epoch: epoch,
            remaining: 5,
            held: Dictionary(uniqueKeysWithValues: (0..<holders).map { (UserID.number($0), 1) }),
            orders: holders
        )
    }

    private func record(epoch: Int, installed: Int = 5) throws -> SaleRecord {
        var record = SaleRecord(try Shop.declaration(units: Self.holders + 5))
        record.epoch = epoch
        record.installed = installed
        record.orders = Self.holders
        return record
    }

    private func claim(_ store: JournalStockStore, epoch: Int) async throws -> StockClaim {
        let outcome = try await store.claim(
            try record(epoch: epoch, installed: 1),
            identity: try await store.identity(),
            lifetime: .seconds(600)
        )
        guard case .claimed(let claim) = outcome else {
            throw SeckillError(.invalid, "not claimed: \(outcome)")
        }
        return claim
    }

    private func order(_ number: Int, epoch: Int) throws -> OrderID {
        try #require(OrderID("phone.\(epoch).\(1_000_000_000_000_000 + number).mmmmmmmmmmmmmmmm"))
    }

    /// The sale is as it was installed, and every holder's limit is kept.
    private func expectInstalled(_ stores: EmbeddedStores, epoch: Int, _ comment: Comment) async throws {
        let stock = stores.stock
        let outcome = try await stock.claim(
            try record(epoch: epoch),
            identity: try await stock.identity(),
            lifetime: .seconds(1)
        )
        #expect(outcome == .current, comment)
        #expect(try await stock.snapshot(of: sale)?.remaining == 5, comment)
        for user in [0, 4095, 4096, Self.holders - 1] {
            let outcome = try await stock.reserve(try order(user, epoch: epoch), for: .number(user))
            #expect(outcome == .limitReached, comment)
        }
    }

    @Test("is there after a restart, and through a compaction")
    func restart() async throws {
        let disk = SimulatedDisk()
        var stores = try await EmbeddedStores.open(on: disk)
        let claim = try await claim(stores.stock, epoch: 0)
        #expect(try await stores.stock.install(try stock(epoch: 1), under: claim))
        try await expectInstalled(stores, epoch: 1, "at once")
        await stores.close()
        var limits = Journal.Limits.patient
        limits.compaction = 1
        for round in 1...2 {
            stores = try await EmbeddedStores.open(on: disk, limits: limits)
            try await expectInstalled(stores, epoch: 1, "after \(round) restarts")
            _ = try await stores.stock.update(
                SaleTerms(
                    sale: sale,
                    limitPerUser: 1,
                    opensAt: Timestamp(milliseconds: 0),
                    closesAt: nil,
                    admission: .open,
                    revision: round + 1
                )
            )
            let compaction = stores.stock.journal.compaction
            try await eventually("it is compacted") { compaction.count > 0 }
            await stores.close()
        }
    }

    @Test("never reaches the disk in more than a few thousand users at once, and lets others buy in between")
    func pieces() async throws {
        let disk = SimulatedDisk()
        let largest = Locked(0)
        let shop = try await Shop(on: disk)
        try await shop.open(units: 100)
        let store = shop.stores.stock
        let other = try #require(SaleID("other"))
        var big = try stock(epoch: 1)
        big.terms.sale = other
        var record = try record(epoch: 0)
        record.sale.id = other
        let outcome = try await store.claim(record, identity: try await store.identity(), lifetime: .seconds(600))
        guard case .claimed(let claim) = outcome else {
            Issue.record("not claimed")
            return
        }
        let isDone = Locked(false)
        let stock = big
        async let installed = store.install(stock, under: claim)
        var bought = 0
        while !isDone.withLock({ $0 }), bought < 100 {
            largest.withLock { $0 = max($0, store.journal.bytesWaiting) }
            if await shop.buy(as: .number(bought)) != nil { bought += 1 }
            if try await store.snapshot(of: other) != nil { isDone.withLock { $0 = true } }
        }
        #expect(try await installed)
        #expect(bought > 0)
        #expect(largest.withLock { $0 } < 200_000)
    }

    @Test("is staged again if a compaction began in between")
    func compaction() async throws {
        let disk = SimulatedDisk()
        var limits = Journal.Limits.patient
        // Reached by the second piece, so that a compaction begins while the rest is staged.
        limits.compaction = 100_000
        var stores = try await EmbeddedStores.open(on: disk, limits: limits)
        for epoch in 1...3 {
            let claim = try await claim(stores.stock, epoch: epoch - 1)
            #expect(try await stores.stock.install(try stock(epoch: epoch), under: claim))
        }
        let compaction = stores.stock.journal.compaction
        try await eventually("it is compacted") { compaction.count > 0 }
        await stores.close()
        stores = try await EmbeddedStores.open(on: disk.afterPowerLoss(nil))
        try await expectInstalled(stores, epoch: 3, "after the power loss")
    }

    @Test("that dies at any operation leaves what was before it, or all of it", arguments: Reboot.allCases)
    func dies(_ reboot: Reboot) async throws {
        let whole = SimulatedDisk()
        func run(on disk: SimulatedDisk) async -> Bool {
            guard let stores = try? await EmbeddedStores.open(on: disk),
                let first = try? await claim(stores.stock, epoch: 0),
                (try? await stores.stock.install(stock(epoch: 1, holders: 1), under: first)) == true,
                let second = try? await claim(stores.stock, epoch: 1)
            else { return false }
            let isInstalled = (try? await stores.stock.install(stock(epoch: 2), under: second)) == true
            await stores.close()
            return isInstalled
        }
        #expect(await run(on: whole))
        for operation in 1...whole.operations {
            let disk = SimulatedDisk()
            disk.plan { _, _, number in number == operation ? .death : nil }
            let isInstalled = await run(on: disk)
            let stores = try await EmbeddedStores.open(on: reboot.after(disk, seed: UInt64(operation)))
            let (epoch, users) = stores.stock.withLock { sales, _ in
                (sales[sale]?.epoch, sales[sale]?.image.orders.users.count)
            }
            let comment: Comment = "dead at operation \(operation)"
            if isInstalled { #expect(epoch == 2, comment) }
            #expect(epoch == nil || users == (epoch == 1 ? 1 : Self.holders), comment)
        }
    }

    @Test("does not lower an epoch, nor repeat one")
    func epochs() async throws {
        let stores = try await EmbeddedStores.open(on: SimulatedDisk())
        let first = try await claim(stores.stock, epoch: 0)
        #expect(try await stores.stock.install(try stock(epoch: 5, holders: 1), under: first))
        try await stores.stock.distrust(sale, epoch: 5)
        let second = try await claim(stores.stock, epoch: 5)
        for epoch in [1, 4, 5] {
            #expect(try await !stores.stock.install(try stock(epoch: epoch, holders: 1), under: second))
        }
        #expect(try await stores.stock.install(try stock(epoch: 6, holders: 1), under: second))
    }

    @Test("of what no ledger can have said is refused, and nothing happens")
    func impossible() async throws {
        let stores = try await EmbeddedStores.open(on: SimulatedDisk())
        let claim = try await claim(stores.stock, epoch: 0)
        var bad: [InstalledStock] = []
        for _ in 0..<5 { bad.append(try stock(epoch: 1, holders: 1)) }
        bad[0].remaining = -1
        bad[1].held = [.number(0): -1]
        bad[2].terms.revision = -1
        bad[3].terms.limitPerUser = -1
        bad[4].epoch = StockSnapshot.maxEpoch + 1
        for stock in bad {
            await #expect(throws: SeckillError.self) { try await stores.stock.install(stock, under: claim) }
        }
        #expect(try await stores.stock.install(try stock(epoch: 1, holders: 1), under: claim))
    }
}

import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("Opening a journal")
struct OpeningTests {
    private let sale = Shop.sale

    /// A disk on which a shop has sold `count` units, one after the other, and closed.
    private func sold(_ count: Int) async throws -> (SimulatedDisk, MemoryOrderLedger, [OrderID]) {
        let disk = SimulatedDisk()
        let shop = try await Shop(on: disk)
        try await shop.open(units: 1000)
        var orders: [OrderID] = []
        for user in 0..<count { orders.append(try #require(await shop.buy(as: .number(user)))) }
        await shop.stores.close()
        return (disk, shop.ledger, orders)
    }

    /// The error with which opening refuses. The file must be as it was.
    private func refusal(of disk: SimulatedDisk) async throws -> SeckillError {
        let before = disk[.stockFile]
        let error = await #expect(throws: SeckillError.self) { _ = try await EmbeddedStores.open(on: disk) }
        #expect(disk[.stockFile] == before)
        return try #require(error)
    }

    @Test("brings back every order, the identity and the epoch, and what the outbox held")
    func restart() async throws {
        let (disk, ledger, orders) = try await sold(5)
        let first = try await ledger.sale(sale)
        let shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await ledger.sale(sale) == first)
        let snapshot = try #require(try await shop.stores.stock.snapshot(of: sale))
        #expect([snapshot.remaining, snapshot.pending, snapshot.sequence, snapshot.epoch] == [995, 5, 5, 1])
        let deliveries = try await shop.stores.stock.outbox.receive(10, as: ConsumerID("test"), wait: .zero)
        #expect(deliveries.map(\.receipt) == ["1", "2", "3", "4", "5"])
        for (number, order) in orders.enumerated() {
            let outcome = try await shop.stores.stock.reserve(order, for: .number(number))
            #expect(outcome == .alreadyReserved(sequence: number + 1))
        }
    }

    @Test("does not redeliver what was acknowledged and written")
    func acknowledged() async throws {
        let (disk, ledger, _) = try await sold(5)
        var shop = try await Shop(on: disk, ledger: ledger)
        try await shop.record(3)
        await shop.stores.close()
        shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await shop.stores.stock.snapshot(of: sale)?.pending == 2)
        #expect(try await shop.record() == 2)
    }

    @Test("knows the returns it has made, by order and by restock")
    func returns() async throws {
        let (disk, ledger, orders) = try await sold(5)
        var shop = try await Shop(on: disk, ledger: ledger)
        try await shop.settle()
        _ = try await shop.flashSale.cancel(orders[2], of: .number(2))
        _ = try await ledger.restock(sale, adding: 7, id: "restock.1")
        let open = try await ledger.pendingReturns(limit: 10)
        #expect(try await shop.stores.stock.giveBack(open) == [.applied, .applied])
        // The ledger never hears of it, and the returns come again.
        await shop.stores.close()
        shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await shop.stores.stock.giveBack(open) == [.alreadyApplied, .alreadyApplied])
        #expect(try await shop.stores.stock.snapshot(of: sale)?.remaining == 995 + 1 + 7)
        // And the user whose unit came back may buy again.
        #expect(await shop.buy(as: .number(2)) != nil)
        #expect(await shop.buy(as: .number(3)) == nil)
    }

    @Test("keeps terms and distrust")
    func termsAndDistrust() async throws {
        let (disk, ledger, _) = try await sold(1)
        var shop = try await Shop(on: disk, ledger: ledger)
        _ = try await shop.flashSale.setAdmission(.paused, of: sale)
        await shop.stores.close()
        shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await shop.stores.stock.snapshot(of: sale)?.revision == 2)
        #expect(await shop.buy(as: .number(7)) == nil)
        try await shop.stores.stock.distrust(sale, epoch: 1)
        await shop.stores.close()
        let stores = try await EmbeddedStores.open(on: disk)
        let outcome = try await stores.stock.claim(
            try #require(try await ledger.sale(sale)),
            identity: try await stores.stock.identity(),
            lifetime: .seconds(1)
        )
        guard case .claimed(let claim) = outcome else {
            Issue.record("a distrusted sale is taken as it is")
            return
        }
        #expect(try await stores.stock.drain(claim, after: nil, limit: 10).reservations.count == 1)
    }

    @Test("lets no sale sell before it was compared with the ledger")
    func awaitsTheLedger() async throws {
        let (disk, _, orders) = try await sold(2)
        let stores = try await EmbeddedStores.open(on: disk)
        #expect(try await stores.stock.snapshot(of: sale) == nil)
        await #expect(throws: SeckillError.self) { try await stores.stock.reserve(orders[0], for: .number(0)) }
    }

    @Test("rebuilds an older copy of the file, which the ledger knows to be behind")
    func rolledBack() async throws {
        let (disk, ledger, _) = try await sold(5)
        let old = disk[.stockFile]
        var shop = try await Shop(on: disk, ledger: ledger)
        for user in 5..<10 { #expect(await shop.buy(as: .number(user)) != nil) }
        try await shop.settle()
        await shop.stores.close()
        disk[.stockFile] = old
        shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await ledger.sale(sale)?.epoch == 2)
        try await shop.settle()
        try await shop.audit("after the older copy")
    }

    @Test("begins anew where the file was removed, under another identity, and rebuilds from the ledger")
    func removed() async throws {
        let (disk, ledger, orders) = try await sold(5)
        var shop = try await Shop(on: disk, ledger: ledger)
        let identity = try await shop.stores.stock.identity()
        try await shop.record(3)
        await shop.stores.close()
        disk[.stockFile] = nil
        shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await shop.stores.stock.identity() != identity)
        try await shop.settle()
        try await shop.audit("after the file was removed")
        // Visible, every one of them.
        let last = try #require(try await shop.flashSale.order(orders[4], of: .number(4)))
        #expect(last.reason == .lost)
    }

    @Test("is refused to a second owner, by name, until the first has let go")
    func secondOwner() async throws {
        let disk = SimulatedDisk()
        let first = try await EmbeddedStores.open(on: disk)
        let error = await #expect(throws: SeckillError.self) { _ = try await EmbeddedStores.open(on: disk) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("process 4711") == true)
        await first.close()
        try await EmbeddedStores.open(on: disk).close()
    }

    @Test("is refused to a second owner as long as one of the stores is left")
    func storeAlone() async throws {
        let disk = SimulatedDisk()
        var stock: JournalStockStore? = try await EmbeddedStores.open(on: disk).stock
        await #expect(throws: SeckillError.self) { _ = try await EmbeddedStores.open(on: disk) }
        withExtendedLifetime(stock) {}
        stock = nil
        try await eventually("it is let go") { (try? await EmbeddedStores.open(on: disk)) != nil }
    }

    @Test("makes durable what a dead process left in the cache, before it relies on it")
    func cachedOnly() async throws {
        let disk = SimulatedDisk()
        let shop = try await Shop(on: disk)
        try await shop.open(units: 10)
        disk.plan { operation, _, _ in operation == .sync ? .death : nil }
        _ = await shop.buy(as: .number(0))
        let afterwards = disk.afterKill()
        let second = try await Shop(on: afterwards, ledger: shop.ledger)
        // Whole in the file, so it has happened; and from here on it must not unhappen.
        #expect(try await second.stores.stock.snapshot(of: sale)?.sequence == 1)
        let third = try await Shop(on: afterwards.afterPowerLoss(nil), ledger: shop.ledger)
        #expect(try await third.stores.stock.snapshot(of: sale)?.sequence == 1)
    }

    @Test("writes again what a dead process could not sync: the system may take it for written")
    func failedSync() async throws {
        let disk = SimulatedDisk()
        var limits = Journal.Limits.patient
        // The process dies before it tries again.
        limits.retry = 1_000_000
        let shop = try await Shop(on: disk, limits: limits)
        try await shop.open(units: 10)
        disk.plan { operation, _, _ in operation == .sync ? .failure("Input/output error") : nil }
        #expect(await shop.buy(as: .number(0)) == nil)
        let afterwards = disk.afterKill()
        let second = try await Shop(on: afterwards, ledger: shop.ledger)
        #expect(try await second.record() == 1)
        let third = try await Shop(on: afterwards.afterPowerLoss(nil), ledger: shop.ledger)
        #expect(try await third.stores.stock.snapshot(of: sale)?.sequence == 1)
        #expect(try await shop.ledger.sale(sale)?.epoch == 1)
    }

    // MARK: Whose it is

    @Test("of another ledger is refused in words, and changes nothing")
    func otherLedger() async throws {
        let (disk, _, _) = try await sold(2)
        let before = disk[.stockFile]
        let error = await #expect(throws: SeckillError.self) {
            _ = try await EmbeddedStores.open(on: disk, ledger: try #require(LedgerID("another")))
        }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains("belongs to the ledger tests, and not to another") == true)
        #expect(disk[.stockFile] == before)
        try await EmbeddedStores.open(on: disk).close()
    }

    @Test("keeps the ledger's identity through a compaction")
    func ledgerAfterCompaction() async throws {
        let disk = SimulatedDisk()
        var limits = Journal.Limits.patient
        limits.compaction = 1
        let shop = try await Shop(on: disk, limits: limits)
        try await shop.open(units: 10)
        let compaction = shop.stores.stock.journal.compaction
        try await eventually("it is compacted") { compaction.count > 0 }
        await shop.stores.close()
        #expect(try EmbeddedStores.read(at: "j", in: disk)?.first?.ledger == .tests)
        await #expect(throws: SeckillError.self) {
            _ = try await EmbeddedStores.open(on: disk, ledger: try #require(LedgerID("another")))
        }
    }

    @Test("of an earlier version is adopted, and its sales wait for a rebuild")
    func earlierVersion() async throws {
        let (disk, ledger, orders) = try await sold(2)
        // As it was written before: without the ledger, and the sale without what its counts must add up to.
        let header = try JournalHeader.decode(Array(try #require(disk[.stockFile])[..<64]), expecting: .stock).get()
        var file = try JournalFile(creating: .stockFile, header, in: disk)
        var frame = Frame()
        frame.append { entries in
            entries += [StockEntry.sale.rawValue, 5] + Array("phone".utf8)
            entries.append(varint: 1)
            entries.append(signed: 0)
            entries.append(0)
            entries.append(text: "open")
            entries.append(varint: 1)
            entries.append(varint: 1)
            entries.append(signed: 1000)
            entries.append(varint: StockSnapshot.firstVersion(of: 1))
            entries.append(varint: 0)
            entries.append(1)
        }
        try file.stage(frame)
        for (number, order) in orders.enumerated() {
            var frame = Frame()
            frame.append {
                $0.append(
                    reservationOf: order,
                    for: .number(number),
                    sequence: number + 1,
                    at: Timestamp(milliseconds: 1)
                )
            }
            try file.stage(frame)
        }
        try file.finish()

        let shop = try await Shop(on: disk, ledger: ledger)
        #expect(try await ledger.sale(sale)?.epoch == 2)
        try await shop.settle()
        try await shop.audit("after the rebuild")
        for (number, order) in orders.enumerated() {
            let status = try await shop.flashSale.order(order, of: .number(number))?.status
            #expect(status == .awaitingPayment)
        }
        await shop.stores.close()
        await #expect(throws: SeckillError.self) {
            _ = try await EmbeddedStores.open(on: disk, ledger: try #require(LedgerID("another")))
        }
    }

    // MARK: What is no intact journal

    @Test("refuses a file of another kind", arguments: [[UInt8]("SQLite format 3".utf8), [], [1]])
    func foreign(bytes: [UInt8]) async throws {
        let disk = SimulatedDisk()
        disk[.stockFile] = bytes + [UInt8](repeating: 0, count: 4096)
        let error = try await refusal(of: disk)
        #expect(error.code == .invalid)
        #expect(error.message.contains("is no journal"))
    }

    @Test("refuses the other store's file")
    func otherKind() async throws {
        let (disk, _, _) = try await sold(1)
        disk[.stockFile] = disk[.sessionFile]
        #expect(try await refusal(of: disk).message.contains("is no journal"))
    }

    @Test("refuses a later format, and says so")
    func laterFormat() async throws {
        let (disk, _, _) = try await sold(1)
        disk[.stockFile]?[8] = 2
        #expect(try await refusal(of: disk).message.contains("has format 2"))
    }

    @Test("refuses a damaged header", arguments: 10..<JournalHeader.size)
    func damagedHeader(byte: Int) async throws {
        let (disk, _, _) = try await sold(1)
        disk[.stockFile]?[byte] ^= 0x10
        #expect(try await refusal(of: disk).code == .invalid)
    }

    @Test("refuses an entry that it does not know, though its checksum is right")
    func unknownEntry() async throws {
        let (disk, _, _) = try await sold(1)
        let file = try #require(try disk.open(.stockFile, writing: true))
        var (journal, _) = try JournalFile.read(file, .stockFile, .stock) { body throws(ByteReader.Malformed) in
            while !body.isAtEnd { _ = try body.byte() }
            return 1
        }
        var frame = Frame()
        frame.append { $0.append(0xEE) }
        try journal.commit(frame.sealed(salt: journal.salt))
        #expect(try await refusal(of: disk).message.contains("does not understand"))
    }

    @Test("says what of it is in doubt: the last group, unless it is marked as durable")
    func inDoubt() async throws {
        let (disk, _, _) = try await sold(3)
        func found() throws -> Recovery {
            let file = try #require(try disk.open(.stockFile, writing: false))
            var replay = StockReplay()
            return try JournalFile.read(file, .stockFile, .stock) { body throws(ByteReader.Malformed) in
                try replay.apply(&body)
            }.1
        }
        #expect(try found().inDoubt == 0)
        let end = try #require(disk.end(of: .stockFile))
        disk[.stockFile]?.replaceSubrange(end..<end + 16, with: repeatElement(0, count: 16))
        let recovery = try found()
        #expect(recovery.inDoubt == 1)
        #expect(!recovery.mayLack)
    }
}

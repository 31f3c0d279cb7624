import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

/// A shop that dies at a chosen operation of its disk, and the one that comes after it.
@Suite("A crash at any operation of the disk")
struct CrashTests {
    private static let units = 100
    private static let limit = 3
    private static let users = (0..<40).map(UserID.number)

    /// What the outside world was told.
    private struct Told {
        var orders: [(id: OrderID, user: UserID)] = []
        var sessions: [SessionToken] = []
    }

    @Test("leaves every promise standing", arguments: Reboot.allCases)
    func anyOperation(_ reboot: Reboot) async throws {
        let whole = SimulatedDisk()
        #expect(await run(on: whole, MemoryOrderLedger.forTests()).orders.count == Self.units)
        #expect(try #require(whole.generation(of: .stockFile)) > 0, "never compacted")
        // Groups form by chance, so another run may take a few more operations.
        for operation in 1...whole.operations + 10 {
            let disk = SimulatedDisk()
            disk.plan { _, _, number in number == operation ? .death : nil }
            let ledger = MemoryOrderLedger.forTests()
            let told = await run(on: disk, ledger)
            try await check(reboot.after(disk, seed: UInt64(operation)), ledger, told, "at operation \(operation)")
        }
    }

    /// A hundred buyers, some in a crowd and some alone, with a worker, cancellations and logins between them, until it
    /// is over or the disk is.
    private func run(on disk: SimulatedDisk, _ ledger: MemoryOrderLedger) async -> Told {
        var told = Told()
        do {
            var limits = Journal.Limits.patient
            limits.compaction = 4 << 10
            let shop = try await Shop(on: disk, ledger: ledger, limits: limits)
            try await shop.open(units: Self.units, limitPerUser: Self.limit)
            for round in 0..<10 {
                let users = (0..<10).map { Self.users[(round * 10 + $0) % Self.users.count] }
                if round.isMultiple(of: 2) {
                    told.orders += await crowd(users, in: shop)
                } else {
                    for user in users { if let order = await shop.buy(as: user) { told.orders.append((order, user)) } }
                }
                told.sessions.append(try await shop.stores.sessions.create(for: users[0], lifetime: .seconds(600)))
                try await shop.record(7)
                if round % 3 == 1, let order = told.orders.last {
                    try await shop.settle()
                    _ = try await shop.flashSale.cancel(order.id, of: order.user)
                    try await shop.makeReturns()
                }
            }
            // The compaction that has begun comes to its end, unless the disk does so before.
            let compaction = shop.stores.stock.journal.compaction
            try await eventually("it is compacted") { compaction.count > 0 || disk.isDead }
            await shop.stores.close()
        } catch {
            // The disk died under a step that throws.
        }
        return told
    }

    private func crowd(_ users: [UserID], in shop: Shop) async -> [(OrderID, UserID)] {
        await withTaskGroup(of: (OrderID, UserID)?.self) { group in
            for user in users { group.addTask { await shop.buy(as: user).map { ($0, user) } } }
            var orders: [(OrderID, UserID)] = []
            for await case let order? in group { orders.append(order) }
            return orders
        }
    }

    private func check(
        _ disk: SimulatedDisk,
        _ ledger: MemoryOrderLedger,
        _ told: Told,
        _ comment: Comment
    ) async throws {
        let shop = try await Shop(on: disk, ledger: ledger)
        try await shop.open(units: Self.units, limitPerUser: Self.limit)
        try await shop.settle()
        try await shop.audit(comment)
        for (id, user) in told.orders {
            let order = try #require(try await shop.flashSale.order(id, of: user), comment)
            #expect(order.status == .awaitingPayment || order.status == .cancelled, comment)
        }
        for token in told.sessions { #expect(try await shop.stores.sessions.look(up: token) != nil, comment) }
        // And on it goes, to the last unit and no further.
        for user in Self.users {
            while let order = await shop.buy(as: user) { #expect(order.sale == Shop.sale) }
            #expect(try await shop.liveOrders(of: user) <= Self.limit, comment)
        }
        try await shop.settle()
        try await shop.audit(comment)
        #expect(try await ledger.totals(of: Shop.sale)?.awaiting == Self.units, comment)
        await shop.stores.close()
    }
}

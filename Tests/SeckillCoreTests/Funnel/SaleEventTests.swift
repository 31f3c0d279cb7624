import SeckillCore
import SeckillTesting
import Testing

struct SaleEventTests {
    @Test func theOperatorsActsAreToldAtOnce() async throws {
        let shop = try await Shop()
        var events = shop.flashSale.saleEvents().makeAsyncIterator()
        _ = try await shop.flashSale.setAdmission(.paused, of: shop.sale)
        #expect(await events.next()?.state == .paused)
        _ = try await shop.flashSale.setAdmission(.open, of: shop.sale)
        #expect(await events.next()?.state == .open)
        _ = try await shop.flashSale.restock(shop.sale, adding: 5)
        let restocked = await events.next()
        #expect(restocked?.record.stock == 15 && restocked?.stock?.remaining == 15)
    }

    /// What another node or the clock does: a sale opens, is bought empty, is restocked, is over.
    @Test func whatHappensElsewhereIsNoticed() async throws {
        let shop = try await Shop(stock: 1, opensIn: .seconds(1), closesIn: .seconds(1000))
        let heard = Locked<[SaleStatus]>([])
        let listening = Task {
            for await status in shop.flashSale.saleEvents() { heard.withLock { $0.append(status) } }
        }
        defer { listening.cancel() }
        func hears(_ state: SaleStatus.State) async throws {
            try await shop.pass { heard.withLock { $0.last?.state == state } }
        }
        try await shop.running {
            try await hears(.open)
            _ = try await shop.stock.reserve(shop.link(for: "alice").order, for: UserID("alice")!)
            try await hears(.soldOut)
            _ = try await shop.ledger.restock(shop.sale, adding: 1, id: "elsewhere")
            try await hears(.open)
            _ = try await shop.ledger.setAdmission(.paused, of: shop.sale)
            try await hears(.paused)
            _ = try await shop.ledger.setAdmission(.closed, of: shop.sale)
            try await hears(.closed)
        }
    }

    @Test func whatLooksTheSameIsNotTold() async throws {
        let shop = try await Shop()
        let count = Locked(0)
        let listening = Task { for await _ in shop.flashSale.saleEvents() { count.withLock { $0 += 1 } } }
        defer { listening.cancel() }
        try await shop.running {
            let start = shop.clock.uptime
            try await shop.pass { shop.clock.uptime - start > .seconds(10) }
        }
        #expect(count.withLock { $0 } <= 1)
    }
}

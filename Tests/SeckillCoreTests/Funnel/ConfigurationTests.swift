import SeckillCore
import SeckillTesting
import Testing

/// Numbers that make no sense do not stop a shop.
struct ConfigurationTests {
    /// The least and the most of each type: every one of them divided by zero, overflowed or never rested.
    @Test(arguments: [true, false])
    func aShopSellsWhateverItsConfiguration(isLeast: Bool) async throws {
        let number: Int = isLeast ? .min : .max
        let duration: Duration = .seconds(isLeast ? Int64.min : .max)
        var configuration = FlashSale.Configuration()
        configuration.linkLifetime = duration
        configuration.sessionLifetime = duration
        configuration.retryAfter = duration
        configuration.ledgerRate = number
        configuration.batch = number
        configuration.linger = duration
        configuration.takeOver = duration
        configuration.maxDeliveries = number
        configuration.sweep = duration
        configuration.drainLimit = duration
        let shop = try await Shop(configuration: configuration)
        let session = try #require(await shop.flashSale.logIn(UserID("alice")!).token)
        #expect(try await shop.flashSale.user(for: .session(session)) != nil)
        let order = try await shop.buy(as: "alice")
        try await shop.work { try await shop.ledger.lookUp(order.id).order != nil }
    }

    @Test(arguments: [0, -1, .min])
    func aLedgerRateBelowOneIsOne(rate: Int) async throws {
        var configuration = FlashSale.Configuration()
        configuration.ledgerRate = rate
        let shop = try await Shop(configuration: configuration)
        for buyer in 1...3 { _ = try await shop.buy(as: "u\(buyer)") }
        try await shop.running {
            let start = shop.clock.uptime
            try await shop.pass { try await shop.ledger.totals(of: shop.sale)?.awaiting == 3 }
            #expect(shop.clock.uptime - start >= .seconds(2))
        }
    }
}

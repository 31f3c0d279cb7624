import SeckillCore
import SeckillTesting
import Testing

/// Promise 2, with a store that is not ready to take units back.
struct ReturnTests {
    /// A store that refuses returns for a while, as one does that was just started and is not yet vouched for.
    private struct UnreadyStore: DecoratedStore {
        let base: any StockStore
        let refusals: Locked<Int>

        func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
            let refuses = refusals.withLock { left in
                if !returns.isEmpty { left -= 1 }
                return left >= 0
            }
            return refuses ? returns.map { _ in .refused } : try await base.giveBack(returns)
        }
    }

    @Test func aUnitThatTheStoreRefusesIsOfferedUntilItTakesIt() async throws {
        let refusals = Locked(3)
        let shop = try await Shop(stock: 1, wrapping: { UnreadyStore(base: $0, refusals: refusals) })
        let bobs = try await shop.link(for: "bob")
        let order = try await shop.buy(as: "alice")
        try await shop.record()
        _ = try await shop.flashSale.cancel(order.id, of: UserID("alice")!)
        try await shop.work { (try? await shop.buy(bobs, as: "bob")) != nil }
        #expect(refusals.withLock { $0 } < 0, "it was never asked")
        #expect(try await shop.unitsAccountedFor() == 1)
    }
}

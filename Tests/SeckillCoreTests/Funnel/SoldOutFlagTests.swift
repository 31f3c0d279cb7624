import SeckillCore
import SeckillTesting
import Testing

/// Promise 5, and promise 2 in spite of it, with a store that costs a round trip to ask.
struct SoldOutFlagTests {
    /// A store that is far away, and counts who comes.
    private struct DistantStore: DecoratedStore {
        let base: any StockStore
        let asked: Locked<Int>
        var isInProcess: Bool { false }

        func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
            asked.withLock { $0 += 1 }
            return try await base.reserve(order, for: user)
        }
    }

    private let asked = Locked(0)

    private func shop() async throws -> Shop {
        try await Shop(stock: 1, wrapping: { [asked] in DistantStore(base: $0, asked: asked) })
    }

    private func crowd(of shop: Shop) async throws -> [(user: String, link: PurchaseLink)] {
        var crowd: [(String, PurchaseLink)] = []
        for number in 1...100 { crowd.append(("u\(number)", try await shop.link(for: "u\(number)"))) }
        return crowd
    }

    @Test func afterTheLastUnitTheCrowdDoesNotReachTheStore() async throws {
        let shop = try await shop()
        let crowd = try await crowd(of: shop)
        _ = try await shop.buy(as: "alice")
        for second in 1...3 {
            for (user, link) in crowd {
                await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(link, as: user) }
            }
            // Nobody confirms the flag here, so it is asked for again each second.
            #expect(asked.withLock { $0 } == 1 + second)
            shop.clock.advance(by: .seconds(1))
        }
    }

    @Test func aUnitThatComesBackIsSoldWithinTwoSeconds() async throws {
        let shop = try await shop()
        let crowd = try await crowd(of: shop)
        let alices = try await shop.buy(as: "alice")
        await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(crowd[0].link, as: crowd[0].user) }
        try await shop.record()
        try await shop.running {
            let start = shop.clock.uptime
            guard case .done = try await shop.flashSale.cancel(alices.id, of: UserID("alice")!) else {
                Issue.record("not cancelled")
                return
            }
            try await shop.pass { (try? await shop.buy(crowd[1].link, as: crowd[1].user)) != nil }
            #expect(shop.clock.uptime - start <= .seconds(2))
        }
    }
}

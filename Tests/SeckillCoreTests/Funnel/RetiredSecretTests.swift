import Logging
import SeckillCore
import SeckillTesting
import Testing

/// Orders outlive the secrets that signed them; links do not.
struct RetiredSecretTests {
    private let alice = UserID("alice")!
    private let bob = UserID("bob")!

    /// The shop after a restart with other secrets.
    private func restart(_ shop: Shop, secrets: [UInt8]) throws -> FlashSale {
        FlashSale(
            stock: shop.stock,
            ledger: shop.ledger,
            sessions: MemorySessionStore(clock: shop.clock),
            signer: try LinkSigner(secrets: secrets.map { Array(repeating: $0, count: 32) }),
            clock: shop.clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test func aRecordedOrderIsReadPaidAndCancelledByItsBuyerOnly() async throws {
        let shop = try await Shop(limitPerUser: 2)
        let first = try await shop.buy(as: "alice")
        let second = try await shop.buy(as: "alice")
        try await shop.record()
        let flashSale = try restart(shop, secrets: [9])
        #expect(try await flashSale.order(first.id, of: bob) == nil)
        #expect(try await flashSale.pay(first.id, of: bob) == nil)
        #expect(try await flashSale.cancel(second.id, of: bob) == nil)
        #expect(try await flashSale.order(first.id, of: alice)?.status == .awaitingPayment)
        guard case .done(let paid) = try await flashSale.pay(first.id, of: alice),
            case .done(let cancelled) = try await flashSale.cancel(second.id, of: alice)
        else {
            Issue.record("not paid, or not cancelled")
            return
        }
        #expect(paid.status == .paid && cancelled.status == .cancelled)
    }

    @Test func aQueuedOrderIsSeenByItsBuyerOnly() async throws {
        let shop = try await Shop()
        let order = try await shop.buy(as: "alice")
        let flashSale = try restart(shop, secrets: [9])
        #expect(try await flashSale.order(order.id, of: bob) == nil)
        #expect(try await flashSale.pay(order.id, of: bob) == nil)
        #expect(try await flashSale.order(order.id, of: alice)?.status == .queued)
        #expect(try await flashSale.pay(order.id, of: alice) == .refused(order))
        // Until the store is rebuilt, the order may still become a row.
        try await shop.stock.distrust(shop.sale, epoch: 1)
        await #expect { try await flashSale.order(order.id, of: alice) } throws: {
            ($0 as? SeckillError)?.code == .unavailable
        }
    }

    @Test func anOrderThatNobodyPlacedIsNone() async throws {
        let shop = try await Shop()
        let unplaced = try await shop.link(for: "alice").order
        let flashSale = try restart(shop, secrets: [9])
        #expect(try await flashSale.order(unplaced, of: alice) == nil)
        #expect(try await flashSale.pay(unplaced, of: alice) == nil)
        let nowhere = try #require(OrderID("nowhere.1.abcdefgh.abcdefgh"))
        #expect(try await flashSale.order(nowhere, of: alice) == nil)
    }

    @Test func linksOfAnyFormerSecretSell() async throws {
        let shop = try await Shop()
        let link = try await shop.link(for: "alice")
        for secrets in [[9, 8, 7, 1], [9, 8, 7]] as [[UInt8]] {
            let outcome = await (try restart(shop, secrets: secrets)).purchase(
                link.token,
                of: shop.sale,
                by: .user(alice)
            )
            switch outcome {
            case .accepted(let order): #expect(secrets.contains(1) && order.id == link.order)
            case .refused(let refusal, let order): #expect(!secrets.contains(1) && refusal == .badLink && order == nil)
            }
        }
    }
}

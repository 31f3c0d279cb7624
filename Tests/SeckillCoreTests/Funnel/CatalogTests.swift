import Logging
import SeckillCore
import SeckillTesting
import Testing

/// Promise 6, for a node that has just started: that there is no such sale is said of what was read, and never guessed.
struct CatalogTests {
    private let shop: Shop
    private let faults: Faults
    private let restarted: FlashSale
    private let link: PurchaseLink

    init() async throws {
        shop = try await Shop()
        faults = Faults(clock: shop.clock)
        link = try await shop.link(for: "alice")
        restarted = FlashSale(
            stock: shop.stock,
            ledger: faults.wrap(shop.ledger),
            sessions: MemorySessionStore(clock: shop.clock),
            signer: try Shop.signer(),
            clock: shop.clock,
            random: SeededRandom(4),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func refusal(of sale: String = "phone") async -> Refusal? {
        let outcome = await restarted.purchase(link.token, of: SaleID(sale)!, by: .user(UserID("alice")!))
        return if case .refused(let refusal, _) = outcome { refusal } else { nil }
    }

    private let unavailable = Refusal.unavailable(retryAfter: FlashSale.Configuration().retryAfter)

    @Test func whoComesWhileTheLedgerIsFirstReadIsNotToldThatThereIsNoSale() async throws {
        faults.inject(.delay(.seconds(1)), into: "sales", calls: 1...1)
        async let first = refusal()
        try await shop.clock.waitForSleepers()
        for _ in 1...3 { #expect(await refusal() == unavailable) }
        shop.clock.advance(by: .seconds(1))
        #expect(await first == nil)
        #expect(try await restarted.sales().map(\.record.sale.id) == [shop.sale])
    }

    @Test func aLedgerThatCannotBeReadMayHoldAnySale() async throws {
        faults.inject(.failBefore, into: "sales", probability: 1)
        for _ in 1...3 {
            #expect(await refusal() == unavailable)
            await #expect(throws: SeckillError.self) { try await restarted.sales() }
            await #expect(throws: SeckillError.self) { try await restarted.status(of: shop.sale) }
            shop.clock.advance(by: .milliseconds(100))
        }
        faults.heal()
        shop.clock.advance(by: .milliseconds(250))
        #expect(await refusal(of: "nowhere") == .noSale)
        #expect(await refusal() == nil)
        // What was read a minute ago says nothing of now.
        faults.inject(.failBefore, into: "sales", probability: 1)
        shop.clock.advance(by: .seconds(60))
        for _ in 1...3 { #expect(await refusal(of: "nowhere") == unavailable) }
    }

    @Test func theLedgerIsNotReadForEveryUnknownSale() async throws {
        let before = faults.count(of: "sales")
        faults.inject(.delay(.zero), into: "sales", probability: 1)
        for _ in 1...20 {
            #expect(await refusal(of: "nowhere") == .noSale)
            shop.clock.advance(by: .milliseconds(50))
        }
        #expect(faults.count(of: "sales") - before == 4)
    }
}

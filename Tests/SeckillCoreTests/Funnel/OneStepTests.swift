import Logging
import SeckillTesting
import Testing

@testable import SeckillCore

/// Buyers with sessions, over a store that must be asked from afar: step by step, and in one step.
@Suite struct OneStepTests {
    /// A store that says it is elsewhere, so that the funnel remembers what is sold out.
    private struct Remote: DecoratedStore {
        let base: any StockStore
        var isInProcess: Bool { false }
    }

    /// Counts its calls: what is refused before costs none.
    private struct Counted: PurchaseStore {
        let base: SteppedPurchaseStore
        let calls = Locked(0)

        func purchase(_ order: OrderID, for user: UserID, in token: SessionToken) async throws -> PurchaseAnswer {
            calls.withLock { $0 += 1 }
            return try await base.purchase(order, for: user, in: token)
        }
    }

    private struct Stand {
        let clock = ManualClock()
        let sale = SaleID("phone")!
        let stock: MemoryStockStore
        let sessions: MemorySessionStore
        let limiter: MemoryRateLimiter
        let purchases: Counted
        let flashSale: FlashSale

        init(inOneStep: Bool, units: Int = 10) async throws {
            stock = MemoryStockStore(clock: clock, random: SeededRandom(5))
            sessions = MemorySessionStore(clock: clock, random: SeededRandom(6))
            limiter = MemoryRateLimiter(Rate(3, per: .seconds(5))!, clock: clock)
            let remote = Remote(base: stock)
            purchases = Counted(base: SteppedPurchaseStore(sessions: sessions, limiter: limiter, stock: remote))
            flashSale = FlashSale(
                stock: remote,
                ledger: MemoryOrderLedger(),
                sessions: sessions,
                limiter: limiter,
                purchases: inOneStep ? purchases : nil,
                signer: try Shop.signer(),
                clock: clock,
                random: SeededRandom(3),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            _ = try await flashSale.create(
                Sale(id: sale, title: "Phone", price: 1, stock: units, limitPerUser: 2, opensAt: clock.now)
            )
        }

        /// A link that costs nothing of the rate, and the session that asked for it.
        func visit(_ user: String) async throws -> (link: PurchaseLink, session: SessionToken) {
            let session = try #require(await flashSale.logIn(UserID(user)!).token)
            guard case .granted(let link) = await flashSale.link(to: sale, for: .session(session)) else {
                throw Refused(refusal: .noSale)
            }
            clock.advance(by: .seconds(5))
            return (link, session)
        }

        func post(_ link: PurchaseLink, _ session: SessionToken?) async -> String {
            switch await flashSale.purchase(link.token, of: sale, by: .session(session)) {
            case .accepted(let order): "accepted \(order.id == link.order) \(order.user) \(order.sequence)"
            case .refused(.rateLimited(let wait), let order): "rate_limited \(wait) \(order == link.order)"
            case .refused(let refusal, let order): "\(refusal.reason) \(order == link.order)"
            }
        }
    }

    @Test(arguments: [false, true])
    func everyRefusalComesInItsTurn(inOneStep: Bool) async throws {
        let stand = try await Stand(inOneStep: inOneStep, units: 2)
        let (link, session) = try await stand.visit("alice")
        let (bobs, bob) = try await stand.visit("bob")
        #expect(await stand.post(link, nil) == "no_session true")
        #expect(await stand.post(link, SessionToken.mint(from: SeededRandom(9))) == "no_session true")
        #expect(await stand.post(link, bob) == "bad_link false")
        for turn in 1...3 { #expect(await stand.post(link, session) == "accepted true alice 1", "\(turn)") }
        #expect(await stand.post(link, session) == "rate_limited \(Duration.seconds(5)) true")
        // Neither the stranger in bob's session nor the refusals have cost bob anything.
        #expect(await stand.post(bobs, bob) == "accepted true bob 2")
        for _ in 1...2 { #expect(await stand.post(bobs, bob) == "accepted true bob 2") }
        #expect(await stand.post(bobs, bob).hasPrefix("rate_limited"))
        let (late, carol) = try await stand.visit("carol")
        #expect(await stand.post(late, carol) == "sold_out true")
        // Remembered here, once all orders are known: the session is not even looked up.
        stand.flashSale.soldOut.noteComplete(stand.sale, try #require(try await stand.stock.snapshot(of: stand.sale)))
        let calls = stand.purchases.calls.withLock(\.self)
        #expect(await stand.post(late, nil) == "sold_out true")
        #expect(await stand.post(late, bob) == "sold_out true")
        #expect(stand.purchases.calls.withLock(\.self) == calls)
        // An order that holds a unit is the store's to decide, as before.
        #expect(await stand.post(bobs, carol) == "bad_link false")
        stand.clock.advance(by: .seconds(600))
        #expect(await stand.post(late, carol) == "link_expired true")
        #expect((calls > 0) == inOneStep)
    }

    @Test(arguments: [false, true])
    func sessionsSlideWhateverTheAnswer(inOneStep: Bool) async throws {
        let stand = try await Stand(inOneStep: inOneStep)
        let lifetime = FlashSale.Configuration().sessionLifetime
        for user in ["alice", "bob"] {
            let (_, session) = try await stand.visit("alice")
            stand.clock.advance(by: lifetime / 2 + .seconds(10))
            let (link, _) = try await stand.visit(user)
            let outcome = await stand.post(link, session)
            #expect(outcome == (user == "alice" ? "accepted true alice 1" : "bad_link false"))
            #expect(try await stand.sessions.look(up: session)?.expiresAt == stand.clock.now + lifetime)
        }
    }

    @Test func aUserWhoIsKnownAlreadyGoesStepByStep() async throws {
        let stand = try await Stand(inOneStep: true)
        let (link, _) = try await stand.visit("alice")
        for (user, expected) in [("bob", false), ("alice", true)] {
            let outcome = await stand.flashSale.purchase(link.token, of: stand.sale, by: .user(UserID(user)!))
            guard case .accepted = outcome else {
                #expect(!expected)
                continue
            }
            #expect(expected)
        }
        #expect(stand.purchases.calls.withLock(\.self) == 0)
    }
}

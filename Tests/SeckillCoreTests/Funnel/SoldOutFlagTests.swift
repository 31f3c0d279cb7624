import SeckillCore
import SeckillTesting
import Testing

/// Promise 5, and promises 2 and 3 in spite of it, with a store that costs a round trip to ask.
struct SoldOutFlagTests {
    /// A store in another process, which counts its calls and lists its orders in small pages.
    private struct DistantStore: DecoratedStore {
        let base: any StockStore
        let calls: Calls
        var isInProcess: Bool { false }

        func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
            calls.reserved.withLock { $0 += 1 }
            let outcome = try await base.reserve(order, for: user)
            if case .reserved = outcome { calls.keys.withLock { $0[order.epoch, default: []].append(order.key) } }
            return outcome
        }

        func orderKeys(
            of sale: SaleID,
            epoch: Int,
            after cursor: String?,
            limit: Int
        ) async throws -> OrderKeyPage {
            calls.pages.withLock { $0 += 1 }
            if calls.isListingBroken.withLock({ $0 }) { throw SeckillError(.unavailable, "no list") }
            let start = cursor.flatMap { Int($0) } ?? 0
            let keys = calls.keys.withLock { $0[epoch] ?? [] }
            let page = Array(keys[start..<min(start + 3, keys.count)])
            return OrderKeyPage(page, next: start + 3 < keys.count ? String(start + 3) : nil)
        }
    }

    private final class Calls: Sendable {
        let reserved = Locked(0)
        let pages = Locked(0)
        let keys = Locked<[Int: [UInt64]]>([:])
        let isListingBroken = Locked(false)
    }

    private let calls = Calls()
    private var reserved: Int { calls.reserved.withLock { $0 } }
    private var pages: Int { calls.pages.withLock { $0 } }

    private func shop(_ units: Int = 1) async throws -> Shop {
        var configuration = FlashSale.Configuration()
        // What is accepted is recorded without the clock.
        configuration.linger = .zero
        return try await Shop(
            stock: units,
            wrapping: { [calls] in DistantStore(base: $0, calls: calls) },
            configuration: configuration
        )
    }

    /// Another node of the same shop, which has seen nothing of it and records nothing.
    private func neighbour(of shop: Shop, _ signals: (any OrderSignals)? = nil) throws -> FlashSale {
        var configuration = FlashSale.Configuration()
        configuration.role = .web
        return FlashSale(
            stock: DistantStore(base: shop.stock, calls: calls),
            ledger: shop.ledger,
            sessions: MemorySessionStore(clock: shop.clock),
            signals: signals ?? shop.signals,
            signer: try Shop.signer(),
            configuration: configuration,
            clock: shop.clock
        )
    }

    private func crowd(of shop: Shop) async throws -> [(user: String, link: PurchaseLink)] {
        var crowd: [(String, PurchaseLink)] = []
        for number in 1...100 { crowd.append(("u\(number)", try await shop.link(for: "u\(number)"))) }
        return crowd
    }

    private func post(_ link: PurchaseLink, as user: String, to flashSale: FlashSale, of sale: SaleID) async -> String {
        switch await flashSale.purchase(link.token, of: sale, by: .user(UserID(user)!)) {
        case .accepted(let order): "\(order.status) \(order.id == link.order)"
        case .refused(let refusal, _): refusal.reason
        }
    }

    /// Runs a node until it refuses strangers by itself.
    private func whileKnowing(
        _ shop: Shop,
        _ flashSale: FlashSale,
        _ stranger: (user: String, link: PurchaseLink),
        _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await flashSale.run() }
            try await shop.clock.waitForSleepers()
            try await shop.pass {
                let before = reserved
                _ = await post(stranger.link, as: stranger.user, to: flashSale, of: shop.sale)
                return reserved == before
            }
            try await body()
            group.cancelAll()
        }
    }

    @Test func afterTheLastUnitTheCrowdDoesNotReachTheStore() async throws {
        let shop = try await shop()
        let crowd = try await crowd(of: shop)
        _ = try await shop.buy(as: "alice")
        try await whileKnowing(shop, shop.flashSale, crowd[0]) {
            let before = reserved
            for _ in 1...3 {
                for (user, link) in crowd {
                    await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(link, as: user) }
                }
                // A flag that is confirmed does not run out.
                let end = shop.clock.uptime + .seconds(1)
                try await shop.pass { shop.clock.uptime >= end }
            }
            #expect(reserved == before)
        }
        // This node took all orders itself.
        #expect(pages == 0)
        // Once nobody confirms it, the flag holds for a second.
        shop.clock.advance(by: .seconds(1))
        let before = reserved
        await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(crowd[0].link, as: crowd[0].user) }
        #expect(reserved == before + 1)
    }

    @Test(arguments: [true, false])
    func aBuyerWhoPostsTheLinkAgainFindsTheOrder(onTheSameNode: Bool) async throws {
        let shop = try await shop(10)
        let crowd = try await crowd(of: shop)
        var links: [PurchaseLink] = []
        for buyer in 1...10 {
            links.append(try await shop.link(for: "b\(buyer)"))
            _ = try await shop.buy(links[buyer - 1], as: "b\(buyer)")
        }
        try await shop.record()
        _ = try await shop.flashSale.pay(links[0].order, of: UserID("b1")!)
        _ = try await shop.flashSale.pay(links[9].order, of: UserID("b10")!)
        let flashSale = onTheSameNode ? shop.flashSale : try neighbour(of: shop)
        try await whileKnowing(shop, flashSale, crowd[0]) {
            // A node that has seen nothing of the sale lists its orders, once: in four pages of three.
            #expect(pages == (onTheSameNode ? 0 : 4))
            let before = reserved
            for (user, link) in crowd {
                #expect(await post(link, as: user, to: flashSale, of: shop.sale) == "sold_out")
            }
            #expect(reserved == before)
            for buyer in 1...10 {
                let status = [1, 10].contains(buyer) ? "paid" : "awaitingPayment"
                #expect(
                    await post(links[buyer - 1], as: "b\(buyer)", to: flashSale, of: shop.sale) == "\(status) true"
                )
            }
            #expect(reserved == before + 10)
        }
    }

    @Test func whileOrdersAreMissingTheStoreDecides() async throws {
        let shop = try await shop(10)
        let crowd = try await crowd(of: shop)
        var links: [PurchaseLink] = []
        for buyer in 1...10 {
            links.append(try await shop.link(for: "b\(buyer)"))
            _ = try await shop.buy(links[buyer - 1], as: "b\(buyer)")
        }
        let flashSale = try neighbour(of: shop)
        calls.isListingBroken.withLock { $0 = true }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await flashSale.run() }
            try await shop.clock.waitForSleepers()
            #expect(await post(crowd[1].link, as: crowd[1].user, to: flashSale, of: shop.sale) == "sold_out")
            try await shop.pass { pages >= 3 }
            // Not more often than a sweep.
            #expect(shop.clock.uptime >= .milliseconds(500))
            let before = reserved
            #expect(await post(links[4], as: "b5", to: flashSale, of: shop.sale).hasSuffix("true"))
            #expect(await post(crowd[0].link, as: crowd[0].user, to: flashSale, of: shop.sale) == "sold_out")
            #expect(reserved == before + 2)
            calls.isListingBroken.withLock { $0 = false }
            try await shop.pass {
                let before = reserved
                _ = await post(crowd[0].link, as: crowd[0].user, to: flashSale, of: shop.sale)
                return reserved == before
            }
            group.cancelAll()
        }
    }

    /// An order taken elsewhere after a unit came back, at a moment when this node knew all others.
    @Test func anOrderOfALaterRestockIsFoundToo() async throws {
        let shop = try await shop(2)
        let crowd = try await crowd(of: shop)
        let flashSale = try neighbour(of: shop)
        let first = try await shop.link(for: "b1")
        _ = try await shop.buy(first, as: "b1")
        _ = try await shop.buy(as: "b2")
        try await whileKnowing(shop, flashSale, crowd[0]) {
            let late = try await shop.link(for: "b3")
            _ = try await shop.flashSale.restock(shop.sale, adding: 1)
            _ = try await shop.buy(late, as: "b3")
            // Once the neighbour hears of the restock, it sees that all is sold out again before it can know of the order.
            try await shop.pass {
                let before = reserved
                #expect(await post(crowd[0].link, as: crowd[0].user, to: flashSale, of: shop.sale) == "sold_out")
                return reserved > before
            }
            let found = await post(late, as: "b3", to: flashSale, of: shop.sale)
            #expect(found == "queued true")
        }
    }

    /// Tells how many listen to a sale, and of how many orders they were told.
    private struct CountingSignals: OrderSignals {
        let base: MemoryOrderSignals
        let listeners = Locked(0)
        let told = Locked(0)

        func send(_ orders: [Order]) { base.send(orders) }
        func orders(of user: UserID) -> AsyncStream<Order> { base.orders(of: user) }

        func recordedOrders(of sale: SaleID) -> AsyncStream<RecordedKeys> {
            let recorded = base.recordedOrders(of: sale)
            let (stream, continuation) = AsyncStream.makeStream(of: RecordedKeys.self)
            let forwarding = Task {
                for await keys in recorded {
                    continuation.yield(keys)
                    told.withLock { $0 += keys.keys.count }
                }
            }
            listeners.withLock { $0 += 1 }
            continuation.onTermination = { [listeners] _ in
                forwarding.cancel()
                listeners.withLock { $0 -= 1 }
            }
            return stream
        }
    }

    /// Waits for what other tasks do while the clock stands still.
    private func eventually(_ what: String, _ condition: () async -> Bool) async throws {
        let end = SystemClock().uptime + .seconds(20)
        while await !condition() {
            try #require(SystemClock().uptime < end, "\(what), not within 20 s")
            await Task.yield()
        }
    }

    @Test func aNodeThatHeardOfAllOrdersListsNone() async throws {
        let shop = try await shop(10)
        let crowd = try await crowd(of: shop)
        let signals = CountingSignals(base: shop.signals)
        let neighbour = try neighbour(of: shop, signals)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await neighbour.run() }
            try await shop.clock.waitForSleepers()
            try await shop.running {
                // Somebody asks, and gets nothing.
                try await eventually("it listens") {
                    #expect(await post(crowd[1].link, as: "mallory", to: neighbour, of: shop.sale) == "bad_link")
                    return signals.listeners.withLock { $0 } == 1
                }
                for buyer in 1...10 { _ = try await shop.buy(as: "b\(buyer)") }
                try await eventually("it is told") { signals.told.withLock { $0 } == 10 }
                for _ in 0..<100 { await Task.yield() }
                try await shop.pass {
                    let before = reserved
                    _ = await post(crowd[0].link, as: crowd[0].user, to: neighbour, of: shop.sale)
                    return reserved == before
                }
            }
            group.cancelAll()
        }
        #expect(pages == 0)
    }

    @Test func aSaleThatNobodyAsksForIsNeitherHeardNorListed() async throws {
        let shop = try await shop(1)
        let crowd = try await crowd(of: shop)
        _ = try await shop.buy(as: "alice")
        let signals = CountingSignals(base: shop.signals)
        let neighbour = try neighbour(of: shop, signals)
        func pass(_ duration: Duration) async throws {
            let end = shop.clock.uptime + duration
            try await shop.pass { shop.clock.uptime >= end }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await neighbour.run() }
            try await shop.clock.waitForSleepers()
            try await pass(.seconds(5))
            #expect(pages == 0 && signals.listeners.withLock { $0 } == 0)
            for _ in 1...3 {
                #expect(await post(crowd[0].link, as: crowd[0].user, to: neighbour, of: shop.sale) == "sold_out")
                try await pass(.seconds(5))
                #expect(pages == 1 && signals.listeners.withLock { $0 } == 1)
            }
            try await pass(.seconds(180))
            #expect(pages == 1 && signals.listeners.withLock { $0 } == 0)
            // What it knows stays good.
            let before = reserved
            #expect(await post(crowd[0].link, as: crowd[0].user, to: neighbour, of: shop.sale) == "sold_out")
            #expect(reserved == before)
            try await pass(.seconds(1))
            #expect(signals.listeners.withLock { $0 } == 1)
            group.cancelAll()
        }
    }

    @Test func ordersOfAnEpochThatIsOverAreForgotten() async throws {
        let shop = try await shop(1)
        let crowd = try await crowd(of: shop)
        let link = try await shop.link(for: "alice")
        _ = try await shop.buy(link, as: "alice")
        try await whileKnowing(shop, shop.flashSale, crowd[0]) {
            try await shop.pass { try await shop.ledger.lookUp(link.order).order != nil }
            try await shop.stock.distrust(shop.sale, epoch: 1)
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.epoch == 2 }
            // The link is of the epoch before: it finds its order, and the strangers' are void.
            #expect(try await shop.buy(link, as: "alice").status == .awaitingPayment)
            await #expect(throws: Refused(refusal: .linkExpired)) {
                try await shop.buy(crowd[0].link, as: crowd[0].user)
            }
            let new = try await shop.link(for: "u1")
            try await shop.pass {
                let before = reserved
                await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(new, as: "u1") }
                return reserved == before
            }
        }
    }

    @Test func aUnitThatComesBackIsSoldWithinTwoSeconds() async throws {
        let shop = try await shop()
        let crowd = try await crowd(of: shop)
        let alices = try await shop.buy(as: "alice")
        try await shop.record()
        try await whileKnowing(shop, shop.flashSale, crowd[0]) {
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

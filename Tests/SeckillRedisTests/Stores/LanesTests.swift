import SeckillCore
import Testing

@testable import SeckillRedis

/// Which outboxes workers look at.
@Suite(.ifRedis, .redis) struct LanesTests {
    private let redis: RedisConnection
    private let store: RedisStockStore
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    private let worker = ConsumerID("worker")

    init() throws {
        redis = try .shared
        store = .sample(on: redis)
    }

    /// One whose clock ran ahead by less closes nothing for good.
    @Test(arguments: [(hours: 1, isOver: false), (hours: 47, isOver: false), (hours: 49, isOver: true)])
    func aSaleIsRetiredWhenItsEndIsSafelyPast(_ given: (hours: Int, isOver: Bool)) async throws {
        try await install(closesIn: .seconds(-3600 * given.hours))
        _ = try await store.outbox.depth()
        try await expect(isListed: !given.isOver)
        // Nor does whoever looks at it put it back.
        for _ in 1...2 { _ = try await store.snapshot(of: Shop.sale) }
        _ = try await store.outbox.depth()
        try await expect(isListed: !given.isOver)
    }

    @Test func aSaleThatWasRetiredTooSoonComesBackAndStays() async throws {
        try await install(closesIn: .seconds(-86_400 * 10))
        _ = try await store.outbox.depth()
        try await expect(isListed: false)
        // As if the clock had been set back.
        try await store.update(terms(closesIn: .seconds(3600), revision: 2))
        let order = try await reserve()
        for _ in 1...2 { _ = try await store.snapshot(of: Shop.sale) }
        try await expect(isListed: true)
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.compactMap(\.reservation?.order) == [order])
    }

    @Test(arguments: [["DEL"], ["SET", "nonsense"]]) func theListOfSalesIsRestored(_ blow: [String]) async throws {
        try await install()
        let order = try await reserve()
        var command = RedisCommand(blow[0], store.keys.sales)
        for word in blow.dropFirst() { command.append(word) }
        _ = try await redis.send(command)
        _ = try? await store.outbox.receive(9, as: worker, wait: .zero)
        _ = try await store.snapshot(of: Shop.sale)
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.compactMap(\.reservation?.order) == [order])
        // Nor does it keep a rebuild away.
        _ = try await redis.send(command)
        try await store.distrust(Shop.sale, epoch: 1)
        try await install(epoch: 2)
    }

    /// Each node read such a field four times a second, and ended.
    @Test(arguments: [
        "9223372036854775807", "-9223372036854775808", "9223372036854775806", "99999999999999999999", "-1", "nan", "",
    ])
    func noTimeOfASaleEndsTheProcess(_ closes: String) async throws {
        try await install()
        let order = try await reserve()
        for field in ["opens", "closes"] {
            _ = try await redis.send(RedisCommand("HSET", store.keys.stock(Shop.sale), field, closes))
            _ = try? await store.snapshot(of: Shop.sale)
            _ = try await store.inspect(Shop.sale)
            store.forgetLanes()
            _ = try await store.outbox.depth()
        }
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.compactMap(\.reservation?.order) == [order])
    }

    /// Entries whose numbers no script writes.
    @Test(arguments: [
        "9223372036854775807 1", "1 9223372036854775807", "1 -9223372036854775808", "0 1", "-1 1", "1 x", "1.5 1",
        "1000000000000000 1", "1 99999999999999999999",
    ])
    func anEntryOfNonsenseIsUnreadable(_ numbers: String) async throws {
        try await install()
        let outbox = store.keys.outbox(Shop.sale, 1)
        let order = "sale.1.AAAAAAAA.BBBBBBBB"
        // Its own id, by which its age is told, is at the end of time as well.
        _ = try await redis.send(
            RedisCommand("XADD", outbox, "9223372036854775807-0", "order", "\(order) \(numbers) alice")
        )
        _ = try await store.outbox.depth()
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.count == 1 && found.allSatisfy { $0.reservation == nil })
    }

    private func expect(isListed: Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let listed = try await redis.send(RedisCommand("SISMEMBER", store.keys.sales, Shop.sale.text))
        let stock = try await redis.send(RedisCommand("PTTL", store.keys.stock(Shop.sale))).integer ?? 0
        let outbox = try await redis.send(RedisCommand("PTTL", store.keys.outbox(Shop.sale, 1))).integer ?? 0
        #expect(listed == .integer(isListed ? 1 : 0), sourceLocation: sourceLocation)
        #expect((stock == -1) == isListed && (outbox == -1) == isListed, sourceLocation: sourceLocation)
    }

    private func reserve() async throws -> OrderID {
        let user = UserID("alice")!
        let order = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
        guard case .reserved = try await store.reserve(order, for: user) else {
            throw NeverHappened(description: "not reserved")
        }
        return order
    }

    private func terms(closesIn: Duration? = nil, revision: Int = 1) -> SaleTerms {
        SaleTerms(
            sale: Shop.sale,
            limitPerUser: 5,
            opensAt: Timestamp(milliseconds: 0),
            closesAt: closesIn.map { SystemClock().now + $0 },
            admission: .open,
            revision: revision
        )
    }

    private func install(closesIn: Duration? = nil, epoch: Int = 1) async throws {
        try await store.install(epoch: epoch, terms(closesIn: closesIn))
    }
}

extension Delivery {
    var reservation: Reservation? {
        if case .reservation(let reservation) = content { reservation } else { nil }
    }
}

import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillRedis

/// The set of outboxes that hold orders, by which workers find them.
@Suite(.ifRedis, .redis) struct WaitingTests {
    private let redis: RedisConnection
    private let store: RedisStockStore
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    private let worker = ConsumerID("worker")

    init() throws {
        redis = try .shared
        store = .sample(on: redis)
    }

    // MARK: What is in it

    /// Whatever is done, in whichever order, it names the outboxes with orders and no others.
    @Test(arguments: 0..<8) func itNamesTheOutboxesThatHoldOrders(_ seed: Int) async throws {
        let random = SeededRandom(UInt64(seed))
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let sales = ["tea", "cake", "milk"].map { SaleID($0)! }
        var epochs = Dictionary(uniqueKeysWithValues: sales.map { ($0, 1) })
        for sale in sales { try await install(sale, epoch: 1) }
        var held: [Delivery] = []
        for step in 0..<120 {
            let sale = sales[pick(sales.count)]
            let epoch = epochs[sale]!
            switch pick(12) {
            case 0..<4: _ = try? await reserve(sale, epoch: epoch)
            case 4, 5: held += try await store.outbox.receive(1 + pick(5), as: worker, wait: .zero)
            case 6: held += try await store.outbox.takeOver(1 + pick(5), idle: .zero, as: ConsumerID("other"))
            case 7, 8: try await store.outbox.acknowledge(held.filter { _ in pick(2) == 0 })
            case 9:
                guard !held.isEmpty else { continue }
                try await store.outbox.deadLetter(held[pick(held.count)], because: "a test")
            case 10: try await store.distrust(sale, epoch: epoch)
            default:
                try await store.distrust(sale, epoch: epoch)
                epochs[sale] = epoch + 1
                try await install(sale, epoch: epoch + 1)
            }
            var expected: Set<String> = []
            for (sale, last) in epochs {
                for epoch in 1...last {
                    let length = try await redis.send(RedisCommand("XLEN", store.keys.outbox(sale, epoch)))
                    if length != .integer(0) { expected.insert("\(sale).\(epoch)") }
                }
            }
            #expect(try await named() == expected, "step \(step)")
        }
    }

    @Test func onlyTheFirstOrderIsSaid() async throws {
        try await install()
        let count = try await CommandCount(on: redis) { for _ in 1...5 { _ = try await reserve() } }
        #expect(count["sadd"] == 1)
    }

    // MARK: What becomes of it

    static let blows: [[String]] = [["DEL"], ["SET", "nonsense"], ["RPUSH", "sale.1"]]

    @Test(arguments: blows) func itIsRestoredByALookAtTheSale(_ blow: [String]) async throws {
        try await install()
        let order = try await reserve()
        try await strike(blow)
        // Nor does it keep anything else from being done.
        let second = try await reserve()
        #expect(try await store.outbox.depth().count == 0)
        #expect(try await store.outbox.receive(9, as: worker, wait: .zero).isEmpty)
        #expect(try await store.outbox.takeOver(9, idle: .zero, as: worker).isEmpty)
        try await strike(blow)
        _ = try await store.snapshot(of: Shop.sale)
        #expect(try await named() == ["sale.1"])
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.compactMap(\.reservation?.order) == [order, second])
        try await strike(blow)
        try await store.outbox.acknowledge(found)
        #expect(try await store.snapshot(of: Shop.sale)?.settled == 2)
        try await store.distrust(Shop.sale, epoch: 1)
        try await install(epoch: 2)
    }

    /// Such a sale is closed, perhaps for good, and its outbox is delivered all the same.
    @Test func itIsRestoredByALookAtASaleThatIsNotTrusted() async throws {
        try await install()
        let order = try await reserve()
        try await store.distrust(Shop.sale, epoch: 1)
        try await strike(["DEL"])
        let newcomer = RedisStockStore.sample(on: redis, namespace: store.namespace)
        #expect(try await newcomer.snapshot(of: Shop.sale) == nil)
        let found = try await newcomer.outbox.receive(9, as: worker, wait: .zero)
        #expect(found.compactMap(\.reservation?.order) == [order])
    }

    @Test func anAuditorRestoresNothing() async throws {
        try await install()
        _ = try await reserve()
        try await strike(["DEL"])
        #expect(try await store.inspect(Shop.sale)?.pending == 1)
        #expect(try await named() == [])
    }

    @Test func whatHoldsNothingIsRemoved() async throws {
        try await install()
        let drained = store.outboxStream(of: SaleID("drained")!, 7)
        _ = try await redis.send(drained.createGroup)
        for name in ["", "x", "sale", "sale.0", "sale.01", "sale.1048577", "sale.1.1", "a b.1", "gone.3", "drained.7"] {
            _ = try await redis.send(RedisCommand("SADD", store.waiting, name))
        }
        let order = try await reserve()
        let found = try await store.outbox.receive(9, as: worker, wait: .zero)
        #expect(found.compactMap(\.reservation?.order) == [order])
        _ = try await store.outbox.takeOver(9, idle: .seconds(60), as: worker)
        #expect(try await named() == ["sale.1"])
        #expect(try await store.snapshot(of: Shop.sale)?.epoch == 1, "the sale was closed for another's outbox")
    }

    // MARK: Sales that are over

    @Test func theKeysOfASaleThatIsOverRunOut() async throws {
        try await install()
        let keys = [store.keys.stock(Shop.sale), store.keys.outbox(Shop.sale, 1)]
        func lifetimes() async throws -> [Int] {
            try await redis.perform(keys.map { RedisCommand("PTTL", $0) }).compactMap(\.integer)
        }
        _ = try await reserve()
        try await store.retire(Shop.sale, epoch: 1)
        #expect(try await lifetimes() == [-1, -1], "an order waits")
        try await store.outbox.acknowledge(try await store.outbox.receive(9, as: worker, wait: .zero))
        try await store.retire(Shop.sale, epoch: 2)
        let foreign = RedisStockStore(redis, ledger: LedgerID("other")!, namespace: store.namespace)
        try await foreign.retire(Shop.sale, epoch: 1)
        #expect(try await lifetimes() == [-1, -1], "another epoch, or another ledger's")

        try await store.retire(Shop.sale, epoch: 1)
        #expect(try await lifetimes().allSatisfy { (1...7 * 86_400_000).contains($0) })
        // A node that starts later finds it over as well.
        for key in keys { _ = try await redis.send(RedisCommand("PEXPIRE", key, "1000")) }
        let newcomer = RedisStockStore.sample(on: redis, namespace: store.namespace)
        _ = try await newcomer.snapshot(of: Shop.sale)
        try await newcomer.retire(Shop.sale, epoch: 1)
        #expect(try await lifetimes().allSatisfy { (1...1000).contains($0) }, "they stay for longer")

        try await store.distrust(Shop.sale, epoch: 1)
        try await install(epoch: 2)
        #expect(try await redis.send(RedisCommand("PTTL", keys[0])) == .integer(-1))
    }

    // MARK: Nonsense

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
        _ = try await store.snapshot(of: Shop.sale)
        _ = try await store.outbox.depth()
        let found = try await store.outbox.receive(9, as: worker, wait: .seconds(5))
        #expect(found.count == 1 && found.allSatisfy { $0.reservation == nil })
    }

    // MARK: Helpers

    private func named() async throws -> Set<String> {
        let members = try await redis.send(RedisCommand("SMEMBERS", store.waiting)).array ?? []
        return Set(members.compactMap(\.text))
    }

    private func strike(_ blow: [String]) async throws {
        _ = try await redis.send(RedisCommand("DEL", store.waiting))
        var command = RedisCommand(blow[0], store.waiting)
        for word in blow.dropFirst() { command.append(word) }
        _ = try await redis.send(command)
    }

    private func reserve(_ sale: SaleID = Shop.sale, epoch: Int = 1) async throws -> OrderID {
        let user = UserID("alice")!
        let order = signer.mintOrder(sale: sale, epoch: epoch, user: user)
        guard case .reserved = try await store.reserve(order, for: user) else {
            throw NeverHappened(description: "not reserved")
        }
        return order
    }

    private func install(_ sale: SaleID = Shop.sale, epoch: Int = 1) async throws {
        let terms = SaleTerms(
            sale: sale,
            limitPerUser: 5,
            opensAt: Timestamp(milliseconds: 0),
            closesAt: nil,
            admission: .open,
            revision: 1
        )
        try await store.install(epoch: epoch, terms)
    }
}

extension Delivery {
    var reservation: Reservation? {
        if case .reservation(let reservation) = content { reservation } else { nil }
    }
}

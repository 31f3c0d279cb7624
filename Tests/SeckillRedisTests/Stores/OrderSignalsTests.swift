import SeckillCore
import SeckillTesting
import TestServers
import Testing

@testable import SeckillRedis

@Suite("RedisOrderSignals", .ifRedis, .redis) struct RedisOrderSignalsConformance {
    /// Each node has a connection of its own for messages.
    let suite = OrderSignalsConformance {
        let shared = try RedisConnection.shared
        let namespace = uniqueNamespace()
        let other = try await RedisConnection.connect(shared.configuration, logger: .quiet)
        return (
            RedisOrderSignals(shared, namespace: namespace), RedisOrderSignals(other, namespace: namespace)
        )
    }

    @Test(arguments: OrderSignalsConformance.checks)
    func conforms(_ check: OrderSignalsConformance.Check) async throws { try await suite.run(check) }
}

/// What is asked of Redis and of nodes.
@Suite(.ifRedisServer) struct OrderSignalsTests {
    private static func with(
        _ body: (RedisServer, RedisConnection, RedisOrderSignals) async throws -> Void
    ) async throws {
        try await RedisServer.with { server in
            var configuration = server.configuration
            configuration.timeout = .seconds(1)
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            try await body(server, redis, RedisOrderSignals(redis, namespace: "shop"))
            await redis.close()
        }
    }

    private static func order(_ number: Int, of user: String, status: OrderStatus = .awaitingPayment) -> Order {
        Order(
            id: OrderID("tea.1.\(10_000_000 + number).BBBBBBBBBBBB")!,
            user: UserID(user)!,
            status: status,
            sequence: number
        )
    }

    private static func channels(on redis: RedisConnection) async throws -> Int {
        try await redis.send(["PUBSUB", "CHANNELS"]).array?.count ?? 0
    }

    @Test func whatNobodyWaitsForIsNotPublished() async throws {
        try await Self.with { _, redis, signals in
            let orders = (1...500).map { Self.order($0, of: "user-\($0)") }
            let count = try await CommandCount(on: redis) { try await signals.send(orders) }
            // Five hundred users and one sale.
            #expect(count["pubsub|numsub"] == 2 && count["publish"] == 0)
            #expect(try await Self.channels(on: redis) == 0)
        }
    }

    @Test func oneMessageGoesToEachWhoListens() async throws {
        try await Self.with { _, redis, signals in
            let heard = Locked(0)
            let listening = [
                Task { for await _ in signals.orders(of: UserID("user-7")!) { heard.withLock { $0 += 1 } } },
                Task { for await _ in signals.recordedOrders(of: SaleID("tea")!) { heard.withLock { $0 += 1 } } },
            ]
            try await eventually("both listen") { try await Self.channels(on: redis) == 2 }
            let orders = (0..<600).map { Self.order($0, of: "user-\($0 % 300)") }
            let count = try await CommandCount(on: redis) {
                try await signals.send(orders)
                // Two orders of the user, and one message of the sale.
                try await eventually("both hear") { heard.withLock { $0 } == 3 }
            }
            #expect(count["pubsub|numsub"] == 1 && count["publish"] == 2)
            for task in listening { task.cancel() }
            try await eventually("nobody listens") { try await Self.channels(on: redis) == 0 }
        }
    }

    /// Each has one channel, and one that is left by its last listener is left at Redis.
    @Test func thousandsOfUsersComeAndGo() async throws {
        try await Self.with { _, redis, signals in
            let users = (0..<3000).map { UserID("user-\($0)")! }
            var streams = users.map { signals.orders(of: $0) } + [signals.orders(of: users[0])]
            try await eventually("all listen") { try await Self.channels(on: redis) == 3000 }
            streams.removeLast()
            streams.removeFirst(1000)
            try await eventually("some have gone") { try await Self.channels(on: redis) == 2000 }
            streams += users.prefix(1000).map { signals.orders(of: $0) }
            try await eventually("they are back") { try await Self.channels(on: redis) == 3000 }
            let listeners = try await redis.send(["PUBSUB", "NUMSUB", "seckill:shop:orders:0:user:user-5"])
            #expect(listeners.array?.last == .integer(1))
            withExtendedLifetime(streams) {}
        }
    }

    @Test func afterABreakAllOfThemAreHeardAgain() async throws {
        try await Self.with { server, redis, signals in
            let users = (0..<1200).map { UserID("user-\($0)")! }
            let heard = Locked<Set<UserID>>([])
            let listening = users.map { user in
                Task { for await order in signals.orders(of: user) { _ = heard.withLock { $0.insert(order.user) } } }
            }
            for _ in 1...2 {
                heard.withLock { $0 = [] }
                try await eventually("all hear") {
                    try? await signals.send(users.map { Self.order(1, of: $0.text) })
                    try await SystemClock().sleep(for: .milliseconds(20))
                    return heard.withLock { $0.count } == users.count
                }
                await server.kill()
                try await server.start()
                try await eventually("it is connected again") { redis.isReady }
            }
            for task in listening { task.cancel() }
        }
    }

    /// Found under a channel of ours, and never sent by one of us.
    @Test(arguments: ["", "x", "\t\t\t\t", "a\tpaid\t1\t\t", "12345678", "1234567", "\u{FFFF}"])
    func nonsenseIsNotHeard(_ text: String) async throws {
        try await Self.with { _, redis, signals in
            let orders = Locked<[Order]>([])
            let recorded = Locked<[RecordedKeys]>([])
            let user = UserID("alice")!
            let listening = [
                Task { for await order in signals.orders(of: user) { orders.withLock { $0.append(order) } } },
                Task {
                    for await keys in signals.recordedOrders(of: SaleID("tea")!) {
                        recorded.withLock { $0.append(keys) }
                    }
                },
            ]
            try await eventually("both listen") { try await Self.channels(on: redis) == 2 }
            for channel in ["seckill:shop:orders:0:user:alice", "seckill:shop:orders:0:sale:tea"] {
                _ = try await redis.send(["PUBLISH", channel, text])
            }
            let order = Self.order(1, of: "alice")
            try await signals.send([order])
            try await eventually("what is sent is heard") {
                orders.withLock { $0 } == [order] && recorded.withLock { $0.count } == 1
            }
            for task in listening { task.cancel() }
        }
    }
}

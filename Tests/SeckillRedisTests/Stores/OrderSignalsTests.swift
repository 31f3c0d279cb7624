import SeckillCore
import SeckillRedis
import Testing

@Suite("RedisOrderSignals", .ifRedis, .redis) struct OrderSignalsTests {
    private let orders = [
        Order(id: OrderID("tea.1.AAAAAAAAAAAA.BBBBBBBBBBBB")!, user: UserID("alice")!, status: .paid, sequence: 7),
        Order(
            id: OrderID("tea.1.CCCCCCCCCCCC.DDDDDDDDDDDD")!,
            user: UserID(" bob \u{2028}and\u{A0}co ")!,
            status: .awaitingPayment,
            sequence: 8,
            payBy: Timestamp(milliseconds: 1_234_567)
        ),
        Order(
            id: OrderID("cake.2.AAAAAAAAAAAA.BBBBBBBBBBBB")!,
            user: UserID("eve")!,
            status: .rejected,
            sequence: 0,
            reason: .lost
        ),
    ]

    @Test func othersHearWhatOneSends() async throws {
        let namespace = uniqueNamespace()
        let (a, b) = (
            RedisOrderSignals(try .shared, namespace: namespace), RedisOrderSignals(try .shared, namespace: namespace)
        )
        let heard = (Locked<[Order]>([]), Locked<[Order]>([]))
        let listening = [
            Task { for await order in a.orders() { heard.0.withLock { $0.append(order) } } },
            Task { for await order in b.orders() { heard.1.withLock { $0.append(order) } } },
        ]
        defer { for task in listening { task.cancel() } }
        // Subscribing takes a moment, and what was sent before is lost.
        try await eventually("the other node hears") {
            try await a.send(orders)
            return heard.1.withLock { $0.count >= 3 }
        }
        #expect(heard.1.withLock { Array($0.prefix(3)) } == orders)
        #expect(heard.0.withLock { $0.isEmpty }, "a node hears itself")
    }
}

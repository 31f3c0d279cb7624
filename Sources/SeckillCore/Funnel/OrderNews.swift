/// What becomes of orders, for whoever listens on this node, and in batches for the other nodes.
final class OrderNews: Sendable {
    private let all = Broadcast<Order>()
    private let own = Broadcast<[Order]>()

    /// What this node did, and what it heard of.
    func subscribe() -> AsyncStream<Order> { all.subscribe() }

    /// What this node did, as it was done.
    func batches() -> AsyncStream<[Order]> { own.subscribe() }

    /// This node did something.
    func send(_ orders: [Order]) {
        guard !orders.isEmpty else { return }
        all.send(orders)
        own.send([orders])
    }

    /// Another node did something.
    func hear(_ order: Order) { all.send([order]) }
}

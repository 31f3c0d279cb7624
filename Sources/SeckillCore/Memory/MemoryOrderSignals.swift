/// What becomes of orders, told in this process. Several ``FlashSale`` may share it.
public final class MemoryOrderSignals: OrderSignals {
    private let users = KeyedBroadcast<UserID, Order>()
    private let sales = KeyedBroadcast<SaleID, RecordedKeys>()

    /// Signals that nobody listens to yet.
    public init() {}

    /// Tells everybody at once.
    public func send(_ orders: [Order]) {
        for order in orders { users.send(order, to: order.user) }
        for recorded in RecordedKeys.recorded(in: orders) { sales.send(recorded, to: recorded.sale) }
    }

    /// A listener that falls 1,024 orders behind misses the oldest.
    public func orders(of user: UserID) -> AsyncStream<Order> { users.subscribe(to: user) { [$0] } }

    /// A listener that falls 1,024 batches behind misses the oldest.
    public func recordedOrders(of sale: SaleID) -> AsyncStream<RecordedKeys> { sales.subscribe(to: sale) { [$0] } }
}

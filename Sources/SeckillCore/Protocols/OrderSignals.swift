/// How nodes tell each other what becomes of orders.
///
/// A node listens to the orders of a user while that user waits for news there, and to those of a sale while it refuses
/// buyers of that sale. What nobody listens to is told to no node.
///
/// Hints, like ``StockStore/restocks()``: some may be lost, some come twice or out of order, and listening may begin a
/// moment late. Whoever must know asks the ledger. **Errors**: any; nothing is repeated.
public protocol OrderSignals: Sendable {
    /// Tells everybody who listens to a user or a sale of these orders, on this node and on the others.
    func send(_ orders: [Order]) async throws

    /// What becomes of the orders of `user` from now on. Ends when the consumer's task is cancelled.
    func orders(of user: UserID) -> AsyncStream<Order>

    /// The orders of `sale` that are recorded from now on. Ends when the consumer's task is cancelled.
    func recordedOrders(of sale: SaleID) -> AsyncStream<RecordedKeys>
}

/// Orders of one sale that were recorded together.
public struct RecordedKeys: Hashable, Sendable {
    /// Their sale.
    public var sale: SaleID
    /// The epoch that they were minted in.
    public var epoch: Int
    /// The ``OrderID/key`` of each.
    public var keys: [UInt64]

    /// Orders of one sale and epoch.
    public init(sale: SaleID, epoch: Int, keys: [UInt64]) {
        self.sale = sale
        self.epoch = epoch
        self.keys = keys
    }

    /// Those of `orders` that have just been recorded: what comes later in an order's life says nothing new of its sale.
    public static func recorded(in orders: [Order]) -> [RecordedKeys] {
        struct Lot: Hashable {
            var sale: SaleID
            var epoch: Int
        }
        var keys: [Lot: [UInt64]] = [:]
        for order in orders where order.status == .awaitingPayment || order.status == .rejected {
            keys[Lot(sale: order.id.sale, epoch: order.id.epoch), default: []].append(order.id.key)
        }
        return keys.map { RecordedKeys(sale: $0.sale, epoch: $0.epoch, keys: $1) }
    }
}

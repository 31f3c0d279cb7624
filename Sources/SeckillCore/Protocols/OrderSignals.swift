/// How nodes tell each other what becomes of orders.
///
/// Hints, like ``StockStore/restocks()``: some may be lost and some come twice or out of order. Whoever must know asks
/// the ledger. **Errors**: any; nothing is repeated.
public protocol OrderSignals: Sendable {
    /// Tells every other node.
    func send(_ orders: [Order]) async throws

    /// What other nodes send from now on. Ends when the consumer's task is cancelled.
    func orders() -> AsyncStream<Order>
}

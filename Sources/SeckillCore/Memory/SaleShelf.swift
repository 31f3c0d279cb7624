/// The stock of all sales of one store, under one lock: a lock for each sale would cost every call two.
///
/// A class of its own in this module, because the optimizer makes generic code fast only where it can see it, and
/// refusals are what most of the time goes into.
package final class SaleShelf: Sendable {
    private let sales: Locked<[SaleID: SaleStock]>

    package init(_ sales: [SaleID: SaleStock] = [:]) { self.sales = Locked(sales) }

    /// See ``SaleStock/reserve(_:for:at:outboxLimit:admit:)``. If a unit is taken, or was before, `taken` is told
    /// while the lock is still held.
    package func reserve(
        _ order: OrderID,
        for user: UserID,
        at now: Timestamp,
        outboxLimit: Int,
        admit: () throws(SeckillError) -> Void = {},
        taken: (ReserveOutcome) -> Void = { _ in }
    ) throws(SeckillError) -> ReserveOutcome {
        let buyer = SaleOrders.Buyer(user)
        return try sales.withLock { sales throws(SeckillError) in
            guard let index = sales.index(forKey: order.sale) else { throw .notInstalled }
            let outcome = try sales.values[index].reserve(
                order,
                for: buyer,
                at: now,
                outboxLimit: outboxLimit,
                admit: admit
            )
            switch outcome {
            case .reserved, .alreadyReserved: taken(outcome)
            default: break
            }
            return outcome
        }
    }

    /// Works on a sale in place; nil if it is not there.
    @discardableResult
    package func with<Result: Sendable>(_ sale: SaleID, _ body: (inout SaleStock) -> Result) -> Result? {
        withLock { $0.with(sale, body) }
    }

    /// Runs `body` alone with all sales.
    package func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout [SaleID: SaleStock]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try sales.withLock(body)
    }
}

extension [SaleID: SaleStock] {
    /// Works on a sale in place; nil if it is not there.
    @discardableResult
    package mutating func with<Result, Failure: Error>(
        _ sale: SaleID,
        _ body: (inout SaleStock) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let index = index(forKey: sale) else { return nil }
        return try body(&values[index])
    }
}

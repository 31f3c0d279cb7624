/// The stock of all sales of one store, under one lock: a lock for each sale would cost every call two.
///
/// A class of its own in this module, because the optimizer makes generic code fast only where it can see it, and
/// refusals are what most of the time goes into.
package final class SaleShelf: Sendable {
    private struct Contents: Sendable {
        var sales: [SaleID: SaleStock]
        /// Every sale whose outbox is not empty has a turn.
        var turns: SaleTurns
    }

    private let contents: Locked<Contents>

    package init(_ sales: [SaleID: SaleStock] = [:]) {
        contents = Locked(Contents(sales: sales, turns: SaleTurns(sales)))
    }

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
        return try contents.withLock { contents throws(SeckillError) in
            guard let index = contents.sales.index(forKey: order.sale) else { throw .notInstalled }
            let outcome = try contents.sales.values[index].reserve(
                order,
                for: buyer,
                at: now,
                outboxLimit: outboxLimit,
                admit: admit
            )
            switch outcome {
            case .reserved:
                // The outbox was empty before.
                if contents.sales.values[index].outbox.pending == 1 { contents.turns.add(order.sale) }
                taken(outcome)
            case .alreadyReserved: taken(outcome)
            case .soldOut, .limitReached, .notOpen, .paused, .closed, .stale: break
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
        try contents.withLock { contents throws(Failure) in try body(&contents.sales) }
    }

    /// Up to `max` entries of all outboxes, the sales taking turns; `take` takes up to a number of them from one sale.
    package func collect(_ max: Int, _ take: (inout SaleStock, Int) -> [Delivery]) -> [Delivery] {
        contents.withLock { $0.turns.collect(max, from: &$0.sales, take) }
    }

    /// How much all outboxes hold.
    package func depth(at now: Timestamp) -> QueueDepth {
        contents.withLock { contents in
            var sum = QueueDepth(count: 0, age: .zero, deadLettered: 0)
            // By index: a sale that is copied out, if only to be read, costs more than all that is read of it.
            var index = contents.sales.startIndex
            while index != contents.sales.endIndex {
                let depth = contents.sales.values[index].depth(at: now)
                sum.count += depth.count
                sum.age = max(sum.age, depth.age)
                sum.deadLettered += depth.deadLettered
                contents.sales.formIndex(after: &index)
            }
            return sum
        }
    }

    /// Whether `condition` holds for a sale whose outbox is not empty.
    package func containsPending(where condition: (SaleStock) -> Bool) -> Bool {
        contents.withLock { $0.turns.contains($0.sales, where: condition) }
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

/// Whose turn it is among the sales of one outbox.
///
/// Every sale gets its share of a batch before any gets more, and a batch begins where the last one ended: however small
/// batches are, no sale waits for another's backlog to end.
package struct SaleTurns: Sendable {
    private var last: SaleID?

    package init() {}

    /// Up to `max` entries of `sales`; `take` takes up to a number of them from one sale.
    package mutating func collect(
        _ max: Int,
        from sales: inout [SaleID: SaleStock],
        _ take: (inout SaleStock, Int) -> [Delivery]
    ) -> [Delivery] {
        guard !sales.isEmpty else { return [] }
        let names = sales.keys.sorted { $0.text < $1.text }
        let next = last.flatMap { last in names.firstIndex { $0.text > last.text } } ?? 0
        let turns = names[next...] + names[..<next]
        var deliveries: [Delivery] = []
        for name in turns where deliveries.count < max {
            let share = min(Swift.max(1, max / names.count), max - deliveries.count)
            let taken = sales.with(name) { take(&$0, share) } ?? []
            if !taken.isEmpty { last = name }
            deliveries += taken
        }
        for name in turns where deliveries.count < max {
            deliveries += sales.with(name) { take(&$0, max - deliveries.count) } ?? []
        }
        return deliveries
    }
}

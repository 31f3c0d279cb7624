internal import DequeModule

/// The sales of one store whose outbox is not empty, in the order of their turns.
///
/// Every sale gets its share of a batch before any gets more, and a batch begins where the last one ended: however small
/// batches are, no sale waits for another's backlog to end. **Cost**: follows the sales whose outbox is not empty; the
/// others, however many, are not looked at.
struct SaleTurns: Sendable {
    private var ring: Deque<SaleID>
    private var members: Set<SaleID>

    /// The turns of sales that may have something in their outbox already.
    init(_ sales: [SaleID: SaleStock]) {
        ring = Deque(sales.filter { $0.value.hasPending }.keys.sorted { $0.text < $1.text })
        members = Set(ring)
    }

    /// Gives a sale its turn, which is the last one. Does nothing if it has one.
    mutating func add(_ sale: SaleID) {
        if members.insert(sale).inserted { ring.append(sale) }
    }

    /// Up to `max` entries of `sales`; `take` takes up to a number of them from one sale.
    mutating func collect(
        _ max: Int,
        from sales: inout [SaleID: SaleStock],
        _ take: (inout SaleStock, Int) -> [Delivery]
    ) -> [Delivery] {
        let share = Swift.max(1, max / Swift.max(1, ring.count))
        var deliveries: [Delivery] = []
        for _ in 0..<ring.count where deliveries.count < max {
            let sale = ring.removeFirst()
            guard sales[sale]?.hasPending == true else {
                members.remove(sale)
                continue
            }
            deliveries += sales.with(sale) { take(&$0, min(share, max - deliveries.count)) } ?? []
            ring.append(sale)
        }
        for sale in ring where deliveries.count < max {
            deliveries += sales.with(sale) { take(&$0, max - deliveries.count) } ?? []
        }
        return deliveries
    }

    /// Whether `condition` holds for a sale that has a turn.
    func contains(_ sales: [SaleID: SaleStock], where condition: (SaleStock) -> Bool) -> Bool {
        ring.contains { sales[$0].map(condition) ?? false }
    }
}

import SeckillCore
import SeckillSQLite
import SeckillTesting
import Testing

@Suite("A ledger that several processes share")
struct LedgerSharingTests {
    @Test("stock and limit hold over all of them") func guards() async throws {
        let scratch = try Scratch()
        var shops: [Shop] = []
        for _ in 0..<3 { shops.append(try await Shop(scratch.ledger)) }
        try await shops[0].open(stock: 100, limit: 2)
        // Every order is offered to every process, in another order to each.
        let reservations = (1...150).map { Shop.reservation($0, by: "user-\($0 % 60)") }
        let told = try await withThrowingTaskGroup(of: [Order].self) { [shops] group in
            for (index, shop) in shops.enumerated() {
                group.addTask {
                    let turned = reservations[(50 * index)...] + reservations[..<(50 * index)]
                    var orders: [Order] = []
                    let own = Array(turned)
                    for start in stride(from: 0, to: own.count, by: 7) {
                        orders += try await shop.record(Array(own[start..<min(start + 7, own.count)]))
                    }
                    return orders
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        for order in told { #expect(try await shops[0].ledger.lookUp(order.id).order == order) }
        let totals = try await shops[1].ledger.totals(of: .shoes)
        #expect(totals == SaleTotals(stock: 100, awaiting: 100, rejected: 50, returning: 50))
        #expect(try await shops[2].audit().violations == [])
    }

    @Test("one sees at once what another has committed") func visibility() async throws {
        let scratch = try Scratch()
        let (one, other) = (try await Shop(scratch.ledger), try await Shop(scratch.ledger))
        try await one.open(stock: 10_000)
        for sequence in 1...200 {
            let (writer, reader) = sequence.isMultiple(of: 2) ? (one, other) : (other, one)
            let order = try await writer.record([Shop.reservation(sequence)])[0]
            #expect(try await reader.ledger.lookUp(order.id).order == order)
            #expect(try await reader.ledger.sale(.shoes)?.sequence == sequence)
        }
    }

    /// What callers were told of the ends of orders.
    private struct Told: Sendable {
        var paid: Set<OrderID> = []
        var expired: Set<OrderID> = []

        /// Adds what others were told; nobody may have been told of the same order.
        mutating func add(_ other: Told) {
            #expect(paid.isDisjoint(with: other.paid) && paid.isDisjoint(with: other.expired))
            #expect(expired.isDisjoint(with: other.paid) && expired.isDisjoint(with: other.expired))
            paid.formUnion(other.paid)
            expired.formUnion(other.expired)
        }
    }

    @Test("payment and expiry at the same moment, 100,000 times, never yield both") func race() async throws {
        let (count, chunk) = (100_000, 100)
        var random = SeededRandom(7)
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: count, limit: 1)
        var told = Told()
        for first in stride(from: 1, through: count, by: chunk) {
            let orders = try await shop.record((first..<first + chunk).map { Shop.reservation($0) })
            // Buyers pay in an order of their own: one who began where the sweepers begin, and is slower, would come
            // after them at every single order.
            told.add(try await race(for: orders.map(\.id).shuffled(using: &random), in: shop))
        }
        #expect(told.paid.count + told.expired.count == count)
        #expect(told.paid.count > count / 100 && told.expired.count > count / 100, "hardly a race")
        let audit = try await shop.audit()
        #expect(audit.violations == [])
        #expect(audit.sales.first?.totals.paid == told.paid.count)
        #expect(audit.sales.first?.totals.returning == told.expired.count)
    }

    /// Everybody pays and everything expires, at once.
    private func race(for orders: [OrderID], in shop: Shop) async throws -> Told {
        // The buyers' clock has a millisecond to go, the sweepers' has none: both may.
        let before = Shop.due + .milliseconds(-1)
        return try await withThrowingTaskGroup(of: Told.self) { group in
            for payer in 0..<8 {
                group.addTask {
                    var told = Told()
                    for order in stride(from: payer, to: orders.count, by: 8).map({ orders[$0] }) {
                        if case .done = try await shop.ledger.pay(order, at: before) { told.paid.insert(order) }
                    }
                    return told
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    var told = Told()
                    while true {
                        let batch = try await shop.ledger.expire(dueAt: Shop.due, limit: 25)
                        if batch.isEmpty { return told }
                        told.expired.formUnion(batch.map(\.id))
                    }
                }
            }
            return try await group.reduce(into: Told()) { $0.add($1) }
        }
    }
}

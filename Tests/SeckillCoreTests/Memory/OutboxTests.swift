import SeckillTesting
import Testing

@testable import SeckillCore

@Suite("The outboxes of a store in memory")
struct OutboxTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func stock(_ sale: SaleID, orders count: Int) throws -> SaleStock {
        var stock = SaleStock(
            InstalledStock(
                terms: SaleTerms(
                    sale: sale,
                    limitPerUser: count + 1,
                    opensAt: Timestamp(milliseconds: 0),
                    closesAt: nil,
                    admission: .open,
                    revision: 1
                ),
                epoch: 1,
                remaining: count + 1,
                held: [:]
            )
        )
        let buyer = SaleOrders.Buyer(try #require(UserID("alice")))
        for number in 1...max(1, count) where number <= count {
            let moment = Timestamp(milliseconds: Self.now.milliseconds + Int64(number))
            _ = try stock.reserve(order(number, of: sale), for: buyer, at: moment, outboxLimit: .max)
        }
        return stock
    }

    private func order(_ number: Int, of sale: SaleID) throws -> OrderID {
        let digits = String(number)
        let random = String(repeating: "a", count: 16 - digits.count) + digits
        return try #require(OrderID("\(sale).1.\(String(random.reversed())).mmmmmmmmmmmmmmmm"))
    }

    private let sale = SaleID("phone")!

    private func age(_ stock: SaleStock) -> Duration {
        stock.depth(at: Timestamp(milliseconds: Self.now.milliseconds + 1000)).age
    }

    @Test("hand out everything once, whatever is settled in between and in whatever order")
    func once() throws {
        var stock = try stock(sale, orders: 200)
        let random = SeededRandom(3)
        var seen: Set<Int> = []
        var open: [Int] = []
        var settled: Set<Int> = []
        while settled.count < 200 {
            switch random.next() % 4 {
            case 0:
                for delivery in stock.receive(Int(random.next() % 20), at: .seconds(1)) {
                    let sequence = try #require(Int(delivery.receipt))
                    #expect(seen.insert(sequence).inserted)
                    #expect(delivery.count == 1)
                    open.append(sequence)
                }
            case 1:
                // Also what nobody has received: a file says so when it is read.
                let sequence = 1 + Int(random.next() % 200)
                #expect(stock.settle(sequence, aside: false) == settled.insert(sequence).inserted)
            default:
                guard !open.isEmpty else { break }
                let sequence = open.remove(at: Int(random.next() % UInt64(open.count)))
                #expect(stock.settle(sequence, aside: false) == settled.insert(sequence).inserted)
            }
            let left = (1...200).filter { !settled.contains($0) }
            #expect(stock.unsettled.map(\.sequence) == left)
            #expect(stock.depth(at: Self.now).count == left.count)
            #expect(age(stock) == left.first.map { .milliseconds(1000 - $0) } ?? .zero)
            #expect(stock.hasWaiting() == left.contains { !seen.contains($0) })
        }
        #expect(stock.receive(1, at: .zero).isEmpty)
        #expect(stock.takeOver(1, idle: .zero, at: .seconds(9)).isEmpty)
        // All of it is forgotten, not only unreachable.
        #expect(stock.outbox.handed.isEmpty)
    }

    @Test("hand out again what was held for long enough, the longest held first, and count it")
    func takeOver() throws {
        var stock = try stock(sale, orders: 6)
        _ = stock.receive(2, at: .seconds(1))
        _ = stock.receive(2, at: .seconds(2))
        stock.settle(1, aside: false)
        func sequences(_ deliveries: [Delivery]) -> [String] { deliveries.map { "\($0.receipt):\($0.count)" } }
        #expect(stock.takeOver(9, idle: .seconds(10), at: .seconds(10)).isEmpty)
        #expect(sequences(stock.takeOver(9, idle: .seconds(10), at: .seconds(11))) == ["2:2"])
        #expect(sequences(stock.takeOver(1, idle: .seconds(10), at: .seconds(12))) == ["3:2"])
        #expect(sequences(stock.takeOver(9, idle: .seconds(10), at: .seconds(12))) == ["4:2"])
        #expect(sequences(stock.takeOver(9, idle: .zero, at: .seconds(12))) == ["2:3", "3:3", "4:3"])
        #expect(sequences(stock.receive(9, at: .seconds(12))) == ["5:1", "6:1"])
    }

    @Test("are looked at only if something is in them")
    func costFollowsPending() throws {
        let names = (0..<1000).map { SaleID("sale-\($0)")! }
        var sales: [SaleID: SaleStock] = [:]
        for name in names { sales[name] = try stock(name, orders: 0) }
        let shelf = SaleShelf(sales)
        var visited = 0
        let alice = try #require(UserID("alice"))
        for name in [names[500], names[3]] {
            _ = try shelf.reserve(order(1, of: name), for: alice, at: Self.now, outboxLimit: 10)
        }
        func collect(_ max: Int) -> [Delivery] {
            shelf.collect(max) { stock, max in
                visited += 1
                return stock.receive(max, at: .zero)
            }
        }
        // One share each, and what is left of the batch.
        #expect(collect(10).count == 2)
        #expect(visited <= 4)
        visited = 0
        for name in [names[500], names[3]] { shelf.with(name) { _ = $0.settle(1, aside: false) } }
        #expect(collect(10).isEmpty)
        #expect(visited == 0)
        #expect(!shelf.containsPending { _ in true })
        // And back again.
        _ = try shelf.reserve(order(2, of: names[7]), for: alice, at: Self.now, outboxLimit: 10)
        #expect(collect(10).count == 1)
    }

    @Test("take turns: small batches, large backlogs, one sale after the other")
    func turns() throws {
        var sales: [SaleID: SaleStock] = [:]
        for name in ["a", "b", "c"] {
            let sale = try #require(SaleID(name))
            sales[sale] = try stock(sale, orders: 100)
        }
        let shelf = SaleShelf(sales)
        func names(_ max: Int) -> String {
            shelf.collect(max) { $0.receive($1, at: .zero) }.reduce(into: "") { names, delivery in
                guard case .reservation(let reservation) = delivery.content else { return }
                names += reservation.order.sale.text
            }
        }
        #expect(names(2) == "ab")
        #expect(names(2) == "ca")
        #expect(names(6) == "bbccaa")
    }
}

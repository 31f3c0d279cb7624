import Foundation
import GRDB
import SeckillCore
import SeckillSQLite
import Testing

@Suite("A ledger with damaged rows")
struct LedgerDamageTests {
    /// What other programs do to the row of one sale.
    private static let damage = [
        "UPDATE sale SET title = '' WHERE id = 'shoes'",
        "UPDATE sale SET price = 1 WHERE id = 'shoes'",
        "UPDATE sale SET limit_per_user = 1000 WHERE id = 'shoes'",
        "UPDATE sale SET epoch = epoch + 1 WHERE id = 'shoes'",
        "UPDATE sale SET stock = stock + 1 WHERE id = 'shoes'",
        "UPDATE sale SET paid = paid + 1 WHERE id = 'shoes'",
        "UPDATE sale SET paid = 9223372036854775807 WHERE id = 'shoes'",
        "UPDATE sale SET returning_units = 0 WHERE id = 'shoes'",
        "UPDATE sale SET holder = 'mine' WHERE id = 'shoes'",
        "UPDATE sale SET seal = seal + 1 WHERE id = 'shoes'",
        "UPDATE sale SET id = 'no sale id' WHERE id = 'shoes'",
        "UPDATE sale SET id = 'boots' WHERE id = 'shoes'",
    ]

    /// Two sales with an order each that is due, one that is paid, and one whose unit goes back.
    private func shop(_ scratch: Scratch) async throws -> (Shop, shoes: [Order], hats: [Order]) {
        let shop = try await Shop(scratch.ledger)
        try await shop.open(.shoes)
        try await shop.open(.hats)
        var orders: [SaleID: [Order]] = [:]
        for sale in [SaleID.shoes, .hats] {
            let reservations = (1...4).map { Shop.reservation($0, by: "\(sale) \($0 % 2)", of: sale) }
            let recorded = try await shop.record(reservations)
            _ = try await shop.ledger.pay(recorded[0].id, at: Shop.start)
            _ = try await shop.ledger.cancel(recorded[1].id, at: Shop.start)
            orders[sale] = recorded
        }
        return (shop, orders[.shoes]!, orders[.hats]!)
    }

    @Test("a damaged sale is named, and everything else goes on", arguments: damage)
    func damagedSale(_ sql: String) async throws {
        let scratch = try Scratch()
        let (shop, shoes, hats) = try await shop(scratch)
        let ledger = shop.ledger
        let before = try await ledger.sales().change
        try shop.plant(sql)

        let changed = try await ledger.sales(changedAfter: before)
        #expect(changed.records == [] && changed.damaged == [.shoes])
        let listing = try await ledger.sales()
        #expect(listing.records.map(\.sale.id) == [.hats])
        #expect(listing.damaged == [.shoes])
        #expect(try await ledger.expire(dueAt: Shop.due, limit: 10).map(\.id) == hats[2...].map(\.id))
        let returns = try await ledger.pendingReturns(limit: 10)
        #expect(returns.map(\.id) == hats[1...].map(\.id.text))
        let ofShoes = StockReturn(id: shoes[1].id.text, sale: .shoes, epoch: 1, units: 1, user: shoes[1].user)
        try await ledger.markReturnsApplied([ofShoes] + returns)
        #expect(try await ledger.pendingReturns(limit: 10) == [])
        _ = try await shop.record([Shop.reservation(9, of: .hats)])
        #expect(try await ledger.orders(of: hats[0].user, limit: 10).count == 2)

        // Nothing is written that would seal what stands there, and no order of it is given up.
        let seals = "SELECT seal FROM sale WHERE key = 1"
        let seal = try shop.number(seals)
        var calls: [@Sendable () async throws -> Void] = [
            { _ = try await shop.record([Shop.reservation(9)]) },
            { _ = try await shop.record([Shop.reservation(10, of: .hats), Shop.reservation(9)]) },
            { _ = try await ledger.reject(Shop.reservation(9), because: .undeliverable, at: Shop.start) },
        ]
        if !sql.contains("SET id") {
            calls += [
                { _ = try await ledger.sale(.shoes) },
                { _ = try await ledger.lookUp(shoes[0].id) },
                { _ = try await ledger.totals(of: .shoes) },
                { _ = try await ledger.pay(shoes[2].id, at: Shop.start) },
                { _ = try await ledger.cancel(shoes[2].id, at: Shop.start) },
                { _ = try await ledger.setAdmission(.paused, of: .shoes) },
                { _ = try await ledger.restock(.shoes, adding: 1, id: "r") },
                { _ = try await ledger.transfer(.shoes, to: nil, takeover: 9) },
                { _ = try await ledger.raiseEpoch(of: .shoes, above: 9, acceptingLoss: true) },
                { _ = try await ledger.beginEpoch(after: 1, of: .shoes, in: .test) },
            ]
        }
        for (index, call) in calls.enumerated() {
            let error = await #expect(throws: SeckillError.self, "call \(index)") { try await call() }
            #expect(error?.code == .damaged, "call \(index): \(error as Any)")
        }
        #expect(try shop.number(seals) == seal)
        #expect(try await shop.audit().violations.map(\.name).contains(.alteredSale))
    }

    @Test("damaged orders keep no other from expiring, and no user from reading the others") func damagedOrders()
        async throws
    {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 100, limit: 100)
        let orders = try await shop.record((1...20).map { Shop.reservation($0, by: "alice") })
        for (sequence, change) in [
            (1, "id = 'nonsense'"), (2, "user = ''"), (3, "id = replace(id, 'shoes', 'boots')"), (4, "id_hash = 7"),
        ] {
            try shop.plant("UPDATE purchase SET \(change) WHERE sequence = \(sequence)")
        }
        // More damaged ones at the front than one call asks for.
        let first = try await shop.ledger.expire(dueAt: Shop.due, limit: 3)
        #expect(first.map(\.id) == orders[3..<6].map(\.id))
        var count = first.count
        while true {
            let more = try await shop.ledger.expire(dueAt: Shop.due, limit: 3)
            count += more.count
            if more.count < 3 { break }
        }
        #expect(count == 17)
        let alice = UserID("alice")!
        #expect(try await shop.ledger.orders(of: alice, limit: 100).count == 18, "one is nobody's, one is nonsense")
    }

    @Test("damaged returns keep no other from being made") func damagedReturns() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open(stock: 100)
        let orders = try await shop.record((1...10).map { Shop.reservation($0) })
        for order in orders { _ = try await shop.ledger.cancel(order.id, at: Shop.start) }
        try shop.plant("UPDATE stock_return SET purchase = 1000 WHERE key = 1")
        try shop.plant("UPDATE purchase SET id = 'nonsense' WHERE sequence = 2")
        try shop.plant("UPDATE purchase SET user = '' WHERE sequence = 3")
        try shop.plant("UPDATE purchase SET status = 'paid' WHERE sequence = 4")
        try shop.plant("UPDATE stock_return SET units = 2 WHERE key = 5")
        let returns = try await shop.ledger.pendingReturns(limit: 3)
        #expect(returns.map(\.id) == orders[5..<8].map(\.id.text))
        try await shop.ledger.markReturnsApplied(returns)
        #expect(try await shop.ledger.pendingReturns(limit: 3).map(\.id) == orders[8...].map(\.id.text))
    }

    @Test("two orders with one hash are told apart") func collision() async throws {
        let (one, other) = (Shop.reservation(1, by: "alice"), Shop.reservation(2, by: "bob"))
        let first = try Scratch()
        let hash = try await {
            let shop = try await Shop(first.ledger)
            try await shop.open()
            _ = try await shop.record([other])
            return try shop.number("SELECT id_hash FROM purchase")
        }()
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open()
        _ = try await shop.record([one])
        // As if the first order had the other's hash.
        try shop.plant("UPDATE purchase SET id_hash = \(hash)")
        let order = try await shop.record([other])[0]
        #expect(order.status == .awaitingPayment)
        #expect(try shop.number("SELECT id_hash FROM purchase WHERE key = 2") == hash + 1)
        #expect(try await shop.record([other]) == [order], "it is found again")
        #expect(try await shop.ledger.lookUp(other.order).order == order)
        #expect(try shop.number("SELECT count(*) FROM purchase") == 2)
        _ = try await shop.ledger.cancel(other.order, at: Shop.start)
        let returns = try await shop.ledger.pendingReturns(limit: 9)
        #expect(returns.map(\.id) == [other.order.text])
        try await shop.ledger.markReturnsApplied(returns)
        #expect(try await shop.ledger.pendingReturns(limit: 9) == [])
    }

    @Test("the file itself refuses a second row of an order") func unique() async throws {
        let scratch = try Scratch()
        let shop = try await Shop(scratch.ledger)
        try await shop.open()
        _ = try await shop.record([Shop.reservation(1)])
        let columns =
            "id, id_hash, sale, user, user_hash, epoch, recorded_epoch, sequence, status, reserved_at, recorded_at"
        #expect(throws: DatabaseError.self) {
            try shop.plant("INSERT INTO purchase (\(columns)) SELECT \(columns) FROM purchase")
        }
    }
}

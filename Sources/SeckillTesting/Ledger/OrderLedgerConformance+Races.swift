internal import SeckillCore

extension OrderLedgerConformance {
    static let races: [Check] = [
        rule("many workers that record the same orders at once record each once") { bench in
            try await bench.open(.sample(stock: 30))
            let reservations = (1...60).map { bench.reservation($0) }
            let results = try await together(20) { worker in
                // Every worker has the orders in another rotation, in batches that overlap the others'.
                let own = reservations[worker * 3..<60] + reservations[0..<worker * 3]
                var orders: [Order] = []
                for start in stride(from: 0, to: 60, by: 12) {
                    orders += try await bench.ledger.record(Array(own.dropFirst(start).prefix(12)), at: .start)
                }
                return orders
            }
            for order in results.joined() {
                try expect(try await bench.order(order.id), equals: order, "what a worker was told")
            }
            let totals = SaleTotals(stock: 30, awaiting: 30, rejected: 30, returning: 30)
            try expect(try await bench.totals(), equals: totals, "totals")
        },
        rule("nobody gets over the limit by many workers at once") { bench in
            try await bench.open(.sample(stock: 1000, limit: 2))
            let orders = try await together(60) { index in
                try await bench.place(index + 1, for: .number(index % 10))
            }
            let live = Dictionary(grouping: orders.filter { $0.status == .awaitingPayment }, by: \.user)
            try expect(live.mapValues(\.count).values.allSatisfy { $0 == 2 }, "live orders: \(live.mapValues(\.count))")
            try expect(live.count, equals: 10, "users")
            try expect(try await bench.totals().rejected, equals: 40, "rejected")
        },
        rule("payment, cancellation and expiry of one order at once: one of them") { bench in
            let count = 100
            try await bench.open(.sample(stock: count, window: .seconds(60)))
            let orders = try await bench.ledger.record((1...count).map { bench.reservation($0) }, at: .start)
            let (before, due) = (Timestamp.start + .milliseconds(59_999), Timestamp.start + .seconds(60))
            // 0: paid, 1: cancelled, 2: expired. Sweepers and buyers in an order of no system.
            var turns = (0..<count).flatMap { index in [(index, 0), (index, 1)] } + (0..<20).map { ($0, 2) }
            var random = SeededRandom(1)
            turns.shuffle(using: &random)
            let shuffled = turns
            let ended = try await together(shuffled.count) { turn -> [(OrderID, OrderStatus)] in
                let (index, kind) = shuffled[turn]
                let order = orders[index].id
                switch kind {
                case 0:
                    if case .done = try await bench.ledger.pay(order, at: before) { return [(order, .paid)] }
                case 1:
                    if case .done = try await bench.ledger.cancel(order, at: before) { return [(order, .cancelled)] }
                default:
                    return try await bench.ledger.expire(dueAt: due, limit: 7).map { ($0.id, .expired) }
                }
                return []
            }
            let told = Dictionary(grouping: ended.joined(), by: \.0)
            for order in orders {
                let row = try await bench.order(order.id)
                try expect(told[order.id, default: []].map(\.1), equals: [row.status], "who was told of an order's end")
            }
            let totals = try await bench.totals()
            try expect(totals.paid + totals.cancelled + totals.expired, equals: count, "orders that ended")
            let returned = try await bench.returns().map(\.id)
            try expect(returned.count, equals: totals.cancelled + totals.expired, "returns")
            try expect(Set(returned).count, equals: returned.count, "different returns")
        },
        rule("of many rebuilds at once, one begins the epoch") { bench in
            try await bench.open()
            let began = try await together(20) { _ in try await bench.beginEpoch(after: 1, of: .sample) }
            try expect(began.compactMap(\.self).count, equals: 1, "rebuilds that go on")
            try expect(try await bench.record().epoch, equals: 2, "epoch")
        },
        rule("an order recorded while an epoch begins is counted in it, or lost") { bench in
            try await bench.open(.sample(stock: 100))
            async let began = bench.beginEpoch(after: 1, of: .sample)
            let orders = try await together(50) { try await bench.place($0 + 1) }
            let installed = try require(try await began, "the epoch")
            let live = orders.filter { $0.status == .awaitingPayment }
            try expect(installed.remaining, equals: 100 - live.count, "installed beside \(live.count) live orders")
            try expect(installed.held.count, equals: live.count, "users who hold one")
            try expect(orders.filter { $0.reason == .lost }.count, equals: 50 - live.count, "lost")
            try expect(try await bench.returns(), equals: [], "returns")
        },
        rule("a unit given back while an epoch begins is counted in it, or returned to it") { bench in
            try await bench.open(.sample(stock: 100))
            let orders = try await bench.ledger.record((1...50).map { bench.reservation($0) }, at: .start)
            async let began = bench.beginEpoch(after: 1, of: .sample)
            _ = try await together(60) { index in
                if index < 50 {
                    _ = try await bench.ledger.cancel(orders[index].id, at: .start)
                } else {
                    _ = try await bench.ledger.restock(.sample, adding: 2, id: "r\(index)")
                }
            }
            let installed = try require(try await began, "the epoch")
            let open = try await bench.returns()
            try expect(open.allSatisfy { $0.epoch == 2 }, "open returns of an epoch that is over")
            let returning = open.reduce(0) { $0 + $1.units }
            try expect(installed.remaining + returning, equals: 100 + 20, "units installed and returning")
        },
        rule("of many that restock with one id at once, one does") { bench in
            try await bench.open(.sample(stock: 10))
            _ = try await together(20) { _ in try await bench.ledger.restock(.sample, adding: 3, id: "r") }
            try expect(try await bench.record().stock, equals: 13, "stock")
            try expect(try await bench.returns().map(\.units), equals: [3], "returns")
        },
    ]
}

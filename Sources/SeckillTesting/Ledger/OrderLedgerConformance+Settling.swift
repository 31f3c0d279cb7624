internal import SeckillCore

extension OrderLedgerConformance {
    static let settling: [Check] = [
        rule("an order is paid until the last millisecond before its deadline") { bench in
            try await bench.open(.sample(window: .seconds(60)))
            let (early, late) = (try await bench.place(1), try await bench.place(2))
            var paid = early
            paid.status = .paid
            let before = Timestamp.start + .milliseconds(59_999)
            try expect(try await bench.ledger.pay(early.id, at: before), equals: .done(paid), "1 ms before")
            try expect(try await bench.order(early.id), equals: paid, "read back")
            let at = Timestamp.start + .seconds(60)
            try expect(try await bench.ledger.pay(late.id, at: at), equals: .refused(late), "at the deadline")
            try expect(try await bench.order(late.id), equals: late, "read back")
        },
        rule("paying again is done, even after the deadline") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            let first = try await bench.ledger.pay(order.id, at: .start)
            try expect(try await bench.ledger.pay(order.id, at: .start), equals: first, "again")
            try expect(try await bench.ledger.pay(order.id, at: .start + .seconds(3600)), equals: first, "much later")
            try expect(try await bench.totals(), equals: SaleTotals(stock: 10, paid: 1), "totals")
        },
        rule("a payment of what the ledger does not know is unknown, and leaves no trace") { bench in
            try await bench.open()
            let reservation = bench.reservation(1)
            try expect(try await bench.ledger.pay(reservation.order, at: .start), equals: .unknown, "pay")
            try expect(try await bench.ledger.cancel(reservation.order, at: .start), equals: .unknown, "cancel")
            try expect(try await bench.ledger.lookUp(reservation.order).order, equals: nil, "the row")
            try expect(try await bench.record(reservation).status, equals: .awaitingPayment, "recorded afterwards")
        },
        rule("a cancelled order returns its unit once") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            var cancelled = order
            cancelled.status = .cancelled
            for turn in 1...3 {
                let outcome = try await bench.ledger.cancel(order.id, at: .start)
                try expect(outcome, equals: .done(cancelled), "cancelled, time \(turn)")
            }
            try expect(try await bench.order(order.id), equals: cancelled, "read back")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "returns")
            try await bench.ledger.markReturnsApplied(try await bench.returns())
            _ = try await bench.ledger.cancel(order.id, at: .start)
            try expect(try await bench.returns(), equals: [], "returns after the return was made")
        },
        rule("an order ends once: paid, cancelled, expired and rejected exclude each other") { bench in
            try await bench.open(.sample(stock: 3))
            let orders = try await bench.ledger.record((1...4).map { bench.reservation($0) }, at: .start)
            _ = try await bench.ledger.pay(orders[0].id, at: .start)
            _ = try await bench.ledger.cancel(orders[1].id, at: .start)
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            let totals = try await bench.totals()
            let returns = try await bench.returns()
            for order in orders {
                let row = try await bench.order(order.id)
                let pay = try await bench.ledger.pay(order.id, at: .start)
                try expect(
                    pay,
                    equals: row.status == .paid ? .done(row) : .refused(row),
                    "paying what is \(row.status)"
                )
                let cancel = try await bench.ledger.cancel(order.id, at: .start)
                let expected: SettleOutcome = row.status == .cancelled ? .done(row) : .refused(row)
                try expect(cancel, equals: expected, "cancelling what is \(row.status)")
                try expect(try await bench.order(order.id), equals: row, "the row of what is \(row.status)")
            }
            try expect(try await bench.ledger.expire(dueAt: .start + .seconds(9999), limit: 10), equals: [], "expired")
            try expect(try await bench.totals(), equals: totals, "totals")
            try expect(try await bench.returns(), equals: returns, "returns")
        },
    ]

    static let expiring: [Check] = [
        rule("an order expires from its deadline on, to the millisecond") { bench in
            try await bench.open(.sample(window: .seconds(60)))
            let order = try await bench.place(1)
            let early = try await bench.ledger.expire(dueAt: .start + .milliseconds(59_999), limit: 10)
            try expect(early, equals: [], "1 ms before")
            var expired = order
            expired.status = .expired
            let due = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            try expect(due, equals: [expired], "at the deadline")
            try expect(try await bench.order(order.id), equals: expired, "read back")
        },
        rule("an expired order returns its unit once") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            let again = try await bench.ledger.expire(dueAt: .start + .seconds(61), limit: 10)
            try expect(again, equals: [], "expired again")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "returns")
            try expect(try await bench.totals(), equals: SaleTotals(stock: 10, expired: 1, returning: 1), "totals")
        },
        rule("the oldest deadline expires first, up to the limit, over all sales") { bench in
            try await bench.open(.sample(window: .seconds(60)))
            try await bench.open(.sample(.other, window: .seconds(10)))
            let third = try await bench.place(1, at: .start)
            let second = try await bench.place(1, of: .other, at: .start + .seconds(20))
            let first = try await bench.place(2, of: .other, at: .start)
            let fourth = try await bench.place(2, at: .start + .seconds(1))
            let later = Timestamp.start + .seconds(3600)
            let batches = [
                try await bench.ledger.expire(dueAt: later, limit: 3),
                try await bench.ledger.expire(dueAt: later, limit: 3),
            ]
            try expect(
                batches.map { $0.map(\.id) },
                equals: [[first.id, second.id, third.id], [fourth.id]],
                "expired"
            )
        },
        rule("fewer than the limit means that none are left") { bench in
            try await bench.open(.sample(stock: 100))
            _ = try await bench.ledger.record((1...25).map { bench.reservation($0) }, at: .start)
            // Those that ended otherwise must not use up a batch.
            for order in try await bench.ledger.orders(of: .number(1), limit: 1) {
                _ = try await bench.ledger.pay(order.id, at: .start)
            }
            var sizes: [Int] = []
            repeat {
                sizes.append(try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10).count)
            } while sizes.last == 10
            try expect(sizes, equals: [10, 10, 4], "batches")
            try expect(try await bench.returns().count, equals: 24, "returns")
        },
    ]
}

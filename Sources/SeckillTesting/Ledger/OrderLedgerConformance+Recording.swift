internal import SeckillCore

extension OrderLedgerConformance {
    static let recording: [Check] = [
        rule("a recorded order awaits payment for the sale's window") { bench in
            try await bench.open(.sample(window: .seconds(60)))
            let reservation = bench.reservation(1)
            let order = try await bench.record(reservation, at: .start)
            let expected = Order(
                id: reservation.order,
                user: reservation.user,
                status: .awaitingPayment,
                sequence: 1,
                payBy: .start + .seconds(60)
            )
            try expect(order, equals: expected, "the result")
            let answer = try await bench.ledger.lookUp(reservation.order)
            try expect(answer, equals: LedgerAnswer(order: expected, epoch: 1), "lookUp")
            try expect(try await bench.totals(), equals: SaleTotals(stock: 10, awaiting: 1), "totals")
        },
        rule("there is one result per reservation, in order") { bench in
            try await bench.open(.sample(stock: 3))
            try await bench.open(.sample(.other, stock: 3))
            try expect(try await bench.ledger.record([], at: .start), equals: [], "an empty batch")
            let known = bench.reservation(1)
            _ = try await bench.record(known)
            let batch = [
                bench.reservation(3), bench.reservation(1, of: .other), known, bench.reservation(2),
                bench.reservation(4), bench.reservation(2, of: .other),
            ]
            let orders = try await bench.ledger.record(batch, at: .start)
            try expect(orders.map(\.id), equals: batch.map(\.order), "ids")
            let expected: [OrderStatus] = [
                .awaitingPayment, .awaitingPayment, .awaitingPayment, .awaitingPayment, .rejected, .awaitingPayment,
            ]
            try expect(orders.map(\.status), equals: expected, "statuses")
        },
        rule("an order delivered again keeps its row") { bench in
            try await bench.open(.sample(limit: 1))
            let reservation = bench.reservation(1)
            let first = try await bench.record(reservation, at: .start)
            let again = try await bench.record(reservation, at: .start + .seconds(30))
            try expect(again, equals: first, "recorded later")
            let twice = try await bench.ledger.record([reservation, reservation], at: .start)
            try expect(twice, equals: [first, first], "twice in one batch")
            let new = bench.reservation(2)
            let newTwice = try await bench.ledger.record([new, new], at: .start)
            try expect(newTwice[0], equals: newTwice[1], "a new one twice in one batch")
            try expect(newTwice[0].status, equals: .awaitingPayment, "a new one twice in one batch")
            try expect(try await bench.totals(), equals: SaleTotals(stock: 10, awaiting: 2), "totals")
        },
        rule("an order delivered again after it ended stays ended") { bench in
            try await bench.open(.sample(stock: 3))
            let reservations = (1...4).map { bench.reservation($0) }
            _ = try await bench.ledger.record(reservations, at: .start)
            _ = try await bench.ledger.pay(reservations[0].order, at: .start)
            _ = try await bench.ledger.cancel(reservations[1].order, at: .start)
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            let before = try await bench.totals()
            let returns = try await bench.returns()
            let again = try await bench.ledger.record(reservations, at: .start + .seconds(61))
            try expect(again.map(\.status), equals: [.paid, .cancelled, .expired, .rejected], "statuses")
            try expect(try await bench.totals(), equals: before, "totals")
            try expect(try await bench.returns(), equals: returns, "returns")
        },
        rule("never more live orders than stock; the rest are rejected with a return") { bench in
            try await bench.open(.sample(stock: 3))
            let orders = try await bench.ledger.record((1...5).map { bench.reservation($0) }, at: .start)
            try expect(orders.filter { $0.status == .awaitingPayment }.count, equals: 3, "live")
            let rejected = orders.filter { $0.status == .rejected }
            try expect(rejected.map(\.reason), equals: [.soldOut, .soldOut], "reasons")
            try expect(rejected.map(\.payBy), equals: [nil, nil], "deadlines of rejected orders")
            try expect(try await bench.returns(), equals: rejected.map { bench.unitReturn(of: $0) }, "returns")
            let totals = SaleTotals(stock: 3, awaiting: 3, rejected: 2, returning: 2)
            try expect(try await bench.totals(), equals: totals, "totals")
        },
        rule("nobody over the limit; the rest are rejected with a return") { bench in
            try await bench.open(.sample(limit: 2))
            let batch = (1...4).map { bench.reservation($0, for: .alice) } + [bench.reservation(5, for: .bob)]
            let orders = try await bench.ledger.record(batch, at: .start)
            let expected: [OrderStatus] = [
                .awaitingPayment, .awaitingPayment, .rejected, .rejected, .awaitingPayment,
            ]
            try expect(orders.map(\.status), equals: expected, "statuses")
            try expect(orders[2].reason, equals: .limitReached, "reason")
            try expect(try await bench.returns(), equals: orders[2...3].map { bench.unitReturn(of: $0) }, "returns")
        },
        rule("a limit is one sale's") { bench in
            try await bench.open(.sample(limit: 1))
            try await bench.open(.sample(.other, limit: 1))
            try expect(try await bench.place(1, for: .alice).status, equals: .awaitingPayment, "one sale")
            try expect(try await bench.place(1, for: .alice, of: .other).status, equals: .awaitingPayment, "the other")
        },
        rule("users are told apart by bytes") { bench in
            try await bench.open(.sample(stock: 1000, limit: 1))
            for (index, user) in UserID.odd.enumerated() {
                let order = try await bench.place(index + 1, for: user)
                try expect(order.status, equals: .awaitingPayment, "the first order of '\(user)'")
                try expect(try await bench.order(order.id).user, equals: user, "read back")
            }
            for (index, user) in UserID.odd.enumerated() {
                let own = try await bench.ledger.orders(of: user, limit: 10)
                try expect(own.map(\.user), equals: [user], "orders of '\(user)'")
                let second = try await bench.place(1001 + index, for: user)
                try expect(second.reason, equals: .limitReached, "the second order of '\(user)'")
            }
            let installed = try await bench.beginEpoch(after: 1, of: .sample)
            let held = Dictionary(uniqueKeysWithValues: UserID.odd.map { ($0, 1) })
            try expect(installed?.held, equals: held, "held")
        },
        rule("ended orders free stock and limit, rejected ones never took any") { bench in
            try await bench.open(.sample(stock: 2, limit: 1))
            let first = try await bench.place(1, for: .alice)
            try expect(try await bench.place(2, for: .alice).reason, equals: .limitReached, "over the limit")
            _ = try await bench.ledger.cancel(first.id, at: .start)
            try expect(try await bench.place(3, for: .alice).status, equals: .awaitingPayment, "after cancelling")
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            let later = Timestamp.start + .seconds(60)
            let paid = try await bench.place(4, for: .alice, at: later)
            try expect(paid.status, equals: .awaitingPayment, "after expiry")
            _ = try await bench.ledger.pay(paid.id, at: later)
            try expect(try await bench.place(5, for: .alice, at: later).reason, equals: .limitReached, "after paying")
            try expect(try await bench.place(6, for: .bob, at: later).status, equals: .awaitingPayment, "the last unit")
            try expect(try await bench.place(7, at: later).reason, equals: .soldOut, "one too many")
        },
        rule("an order of an older epoch is lost, without a return") { bench in
            try await bench.open(.sample(stock: 1))
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            let old = try await bench.place(9, epoch: 1)
            try expect([old.status == .rejected, old.reason == .lost], equals: [true, true], "status and reason")
            try expect(try await bench.returns(), equals: [], "returns")
            try expect(try await bench.record().sequence, equals: 0, "the new epoch's sequence")
            try expect(try await bench.place(1, epoch: 2).status, equals: .awaitingPayment, "the stock is untouched")
        },
        rule("an order that had its row before the epoch ended keeps it") { bench in
            try await bench.open()
            let reservation = bench.reservation(1)
            let first = try await bench.record(reservation)
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            try expect(try await bench.record(reservation), equals: first, "recorded again")
            guard case .done = try await bench.ledger.pay(reservation.order, at: .start) else {
                throw Violation("it cannot be paid", #fileID, #line)
            }
        },
        rule("one impossible order makes the whole batch invalid, and nothing of it is recorded") { bench in
            try await bench.open()
            let good = (1...3).map { bench.reservation($0) }
            for impossible in [bench.reservation(4, epoch: 2), bench.reservation(4, of: .other)] {
                for position in 0...3 {
                    var batch = good
                    batch.insert(impossible, at: position)
                    try await expectError(.invalid, from: "a batch with an impossible order") {
                        try await bench.ledger.record(batch, at: .start)
                    }
                }
            }
            try expect(try await bench.totals(), equals: SaleTotals(stock: 10), "totals")
            try expect(try await bench.record().sequence, equals: 0, "sequence")
            let orders = try await bench.ledger.record(good, at: .start)
            try expect(orders.map(\.status), equals: Array(repeating: .awaitingPayment, count: 3), "without it")
        },
        rule("the sequence is the highest recorded in this epoch, rejections included") { bench in
            try await bench.open(.sample(stock: 2))
            _ = try await bench.ledger.record([bench.reservation(2), bench.reservation(5)], at: .start)
            try expect(try await bench.record().sequence, equals: 5, "after 2 and 5")
            try await bench.place(3)
            try expect(try await bench.record().sequence, equals: 5, "after 3, late")
            try expect(try await bench.place(6).status, equals: .rejected, "over the stock")
            try expect(try await bench.record().sequence, equals: 6, "after a rejected 6")
            _ = try await bench.ledger.reject(bench.reservation(8), because: .undeliverable, at: .start)
            try expect(try await bench.record().sequence, equals: 8, "after 8, put aside")
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            try expect(try await bench.record().sequence, equals: 0, "in a new epoch")
        },
        rule("a user's orders come newest first, over all sales, up to the limit") { bench in
            try await bench.open(.sample(limit: 10))
            try await bench.open(.sample(.other, limit: 10))
            try await bench.place(1, for: .bob)
            var placed: [OrderID] = []
            for (minute, sale) in [SaleID.sample, .other, .sample, .other].enumerated() {
                let now = Timestamp.start + .seconds(60 * minute)
                placed.append(try await bench.place(10 - minute, for: .alice, of: sale, at: now).id)
            }
            let own = try await bench.ledger.orders(of: .alice, limit: 100).map(\.id)
            try expect(own, equals: placed.reversed(), "orders")
            let newest = try await bench.ledger.orders(of: .alice, limit: 3).map(\.id)
            try expect(newest, equals: Array(placed.reversed().prefix(3)), "the newest three")
            try expect(try await bench.ledger.orders(of: .number(99), limit: 3), equals: [], "orders of a stranger")
        },
        rule("a batch of a thousand is one transaction") { bench in
            try await bench.open(.sample(stock: 900))
            let batch = (1...1000).map { bench.reservation($0) }
            let orders = try await bench.ledger.record(batch, at: .start)
            try expect(orders.filter { $0.status == .awaitingPayment }.count, equals: 900, "live")
            try expect(try await bench.ledger.record(batch, at: .start), equals: orders, "again")
            let totals = SaleTotals(stock: 900, awaiting: 900, rejected: 100, returning: 100)
            try expect(try await bench.totals(), equals: totals, "totals")
        },
    ]

    static let rejecting: [Check] = [
        rule("what is put aside is rejected for its reason, with a return") { bench in
            try await bench.open()
            let reservation = bench.reservation(1)
            let order = try await bench.ledger.reject(reservation, because: .undeliverable, at: .start)
            let expected = Order(
                id: reservation.order,
                user: reservation.user,
                status: .rejected,
                sequence: 1,
                reason: .undeliverable
            )
            try expect(order, equals: expected, "the result")
            try expect(try await bench.order(order.id), equals: expected, "read back")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "returns")
            let totals = SaleTotals(stock: 10, rejected: 1, deadLettered: 1, returning: 1)
            try expect(try await bench.totals(), equals: totals, "totals")
        },
        rule("rejecting twice, or what has a row, changes nothing") { bench in
            try await bench.open()
            let rejected = bench.reservation(1)
            let first = try await bench.ledger.reject(rejected, because: .undeliverable, at: .start)
            let again = try await bench.ledger.reject(rejected, because: .soldOut, at: .start)
            try expect(again, equals: first, "rejected again")
            try expect(try await bench.record(rejected), equals: first, "recorded afterwards")
            let live = bench.reservation(2)
            let row = try await bench.record(live)
            let kept = try await bench.ledger.reject(live, because: .undeliverable, at: .start)
            try expect(kept, equals: row, "an order with a row")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: first)], "returns")
        },
        rule("rejecting an order of an epoch that is over writes no return") { bench in
            try await bench.open()
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            let order = try await bench.ledger.reject(bench.reservation(1), because: .undeliverable, at: .start)
            try expect(order.status, equals: .rejected, "status")
            try expect(try await bench.returns(), equals: [], "returns")
        },
    ]
}

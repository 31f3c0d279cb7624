internal import SeckillCore

extension OrderLedgerConformance {
    static let returns: [Check] = [
        rule("open returns come oldest first, up to the limit") { bench in
            try await bench.open()
            let orders = try await bench.ledger.record((1...3).map { bench.reservation($0) }, at: .start)
            _ = try await bench.ledger.cancel(orders[2].id, at: .start)
            _ = try await bench.ledger.restock(.sample, adding: 4, id: "restock")
            _ = try await bench.ledger.cancel(orders[0].id, at: .start + .seconds(1))
            let ids = [orders[2].id.text, "restock", orders[0].id.text]
            try expect(try await bench.returns().map(\.id), equals: ids, "returns")
            let two = try await bench.ledger.pendingReturns(limit: 2).map(\.id)
            try expect(two, equals: Array(ids.prefix(2)), "the oldest two")
        },
        rule("open returns of sales that are passed over take no place from the others'") { bench in
            try await bench.open()
            try await bench.open(.sample(.other))
            let here = try await bench.ledger.record((1...3).map { bench.reservation($0) }, at: .start)
            let there = try await bench.place(1, of: .other)
            for order in here + [there] { _ = try await bench.ledger.cancel(order.id, at: .start) }
            let others = try await bench.ledger.pendingReturns(limit: 1, excluding: [.sample])
            try expect(others, equals: [bench.unitReturn(of: there)], "the other sale's")
            let own = try await bench.ledger.pendingReturns(limit: 9, excluding: [.other]).map(\.id)
            try expect(own, equals: here.map(\.id.text), "the one sale's")
            try expect(
                try await bench.ledger.pendingReturns(limit: 9, excluding: [.sample, .other]),
                equals: [],
                "none's"
            )
        },
        rule("a closed return is made once and for all") { bench in
            try await bench.open()
            let orders = try await bench.ledger.record((1...3).map { bench.reservation($0) }, at: .start)
            for order in orders { _ = try await bench.ledger.cancel(order.id, at: .start) }
            let open = try await bench.returns()
            try await bench.ledger.markReturnsApplied([])
            try await bench.ledger.markReturnsApplied([open[1]])
            try expect(try await bench.returns(), equals: [open[0], open[2]], "after one is closed")
            try await bench.ledger.markReturnsApplied([open[1], open[0], open[0]])
            try expect(try await bench.returns(), equals: [open[2]], "after a repeat")
            try expect(try await bench.totals().returning, equals: 1, "returning")
        },
        rule("closing a return that nobody knows is harmless") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            let strange = [
                bench.unitReturn(of: order), StockReturn(id: "none", sale: .sample, epoch: 1, units: 1, user: nil),
                StockReturn(id: order.id.text, sale: .other, epoch: 1, units: 1, user: nil),
            ]
            try await bench.ledger.markReturnsApplied(strange)
            _ = try await bench.ledger.cancel(order.id, at: .start)
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "a return written afterwards")
        },
        rule("totals add up") { bench in
            try await bench.open(.sample(stock: 5))
            try await bench.open(.sample(.other, stock: 5))
            try await bench.place(1, of: .other)
            let orders = try await bench.ledger.record((1...7).map { bench.reservation($0) }, at: .start)
            _ = try await bench.ledger.pay(orders[0].id, at: .start)
            _ = try await bench.ledger.pay(orders[1].id, at: .start)
            _ = try await bench.ledger.cancel(orders[2].id, at: .start)
            _ = try await bench.ledger.reject(bench.reservation(8), because: .undeliverable, at: .start)
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 1)
            _ = try await bench.ledger.restock(.sample, adding: 4, id: "r")
            try await bench.ledger.markReturnsApplied([try require(try await bench.returns().first, "a return")])
            // Whichever order expired first, it is one of two sales.
            let other = try await bench.totals(of: .other)
            let expired = 1 - other.expired
            let expected = SaleTotals(
                stock: 9,
                awaiting: 2 - expired,
                paid: 2,
                expired: expired,
                cancelled: 1,
                rejected: 3,
                deadLettered: 1,
                // Three rejections, the cancellation and perhaps the expiry, four units of the restock; one was made.
                returning: 3 + 1 + expired + 4 - 1
            )
            try expect(try await bench.totals(), equals: expected, "totals")
        },
    ]

    static let epochs: [Check] = [
        rule("an epoch begins only after the one that is named") { bench in
            _ = try await bench.ledger.create(.sample(stock: 3))
            for wrong in [-1, 1, 2, Int.max] {
                try expect(try await bench.beginEpoch(after: wrong, of: .sample), equals: nil, "after \(wrong)")
            }
            try expect(try await bench.record().epoch, equals: 0, "epoch")
            for epoch in 0...3 {
                let installed = try await bench.beginEpoch(after: epoch, of: .sample)
                try expect(installed?.epoch, equals: epoch + 1, "after \(epoch)")
                try expect(try await bench.beginEpoch(after: epoch, of: .sample), equals: nil, "repeated")
                try expect(try await bench.record().epoch, equals: epoch + 1, "read back")
            }
        },
        rule("a failed attempt at an epoch absorbs no return") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            _ = try await bench.ledger.cancel(order.id, at: .start)
            try expect(try await bench.beginEpoch(after: 0, of: .sample), equals: nil, "after 0")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "returns")
            try expect(try await bench.record().sequence, equals: 1, "sequence")
        },
        rule("what an epoch installs is stock minus live orders, and who holds them") { bench in
            try await bench.open(.sample(stock: 10, limit: 2))
            let alice = [try await bench.place(1, for: .alice), try await bench.place(2, for: .alice)]
            let bob = try await bench.place(3, for: .bob)
            let gone = try await bench.place(4, for: .number(4))
            try await bench.place(5, for: .number(5), at: Timestamp.start + .seconds(-60))
            _ = try await bench.ledger.reject(bench.reservation(6), because: .undeliverable, at: .start)
            _ = try await bench.ledger.pay(alice[0].id, at: .start)
            _ = try await bench.ledger.cancel(gone.id, at: .start)
            _ = try await bench.ledger.expire(dueAt: .start, limit: 10)
            _ = try await bench.ledger.restock(.sample, adding: 5, id: "r")
            _ = try await bench.ledger.setAdmission(.paused, of: .sample)
            let installed = try await bench.beginEpoch(after: 1, of: .sample)
            let expected = InstalledStock(
                terms: try await bench.record().terms,
                epoch: 2,
                remaining: 15 - 3,
                held: [.alice: 2, .bob: 1],
                orders: 6
            )
            try expect(installed, equals: expected, "installed")
            try expect(installed?.terms.admission, equals: .paused, "the terms")
            try expect(try await bench.order(bob.id), equals: bob, "a live order")
        },
        rule("an epoch absorbs its sale's open returns, and no other's") { bench in
            try await bench.open()
            try await bench.open(.sample(.other))
            let (here, there) = (try await bench.place(1), try await bench.place(1, of: .other))
            _ = try await bench.ledger.cancel(here.id, at: .start)
            _ = try await bench.ledger.cancel(there.id, at: .start)
            let installed = try await bench.beginEpoch(after: 1, of: .sample)
            try expect(installed?.remaining, equals: 10, "the unit is counted back in")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: there)], "returns")
            try expect(try await bench.totals().returning, equals: 0, "returning")
            _ = try await bench.ledger.cancel(here.id, at: .start)
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: there)], "after a repeat")
        },
        rule("a return is of the epoch it is written in, not of its order's") { bench in
            try await bench.open()
            let orders = try await bench.ledger.record((1...2).map { bench.reservation($0) }, at: .start)
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            _ = try await bench.ledger.cancel(orders[0].id, at: .start)
            _ = try await bench.ledger.expire(dueAt: .start + .seconds(60), limit: 10)
            _ = try await bench.ledger.restock(.sample, adding: 1, id: "r")
            let expected =
                orders.map { bench.unitReturn(of: $0, epoch: 2) }
                + [StockReturn(id: "r", sale: .sample, epoch: 2, units: 1, user: nil)]
            try expect(try await bench.returns(), equals: expected, "returns")
        },
        rule("one read tells the row and the epoch") { bench in
            try await bench.open()
            let order = try await bench.place(1)
            let absent = bench.reservation(2).order
            let present = LedgerAnswer(order: order, epoch: 1)
            try expect(try await bench.ledger.lookUp(order.id), equals: present, "a row")
            try expect(try await bench.ledger.lookUp(absent), equals: LedgerAnswer(order: nil, epoch: 1), "no row")
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            let later = LedgerAnswer(order: order, epoch: 2)
            try expect(try await bench.ledger.lookUp(order.id), equals: later, "a row, in a later epoch")
            let gone = LedgerAnswer(order: nil, epoch: 2)
            try expect(try await bench.ledger.lookUp(absent), equals: gone, "no row, in a later epoch")
        },
    ]
}

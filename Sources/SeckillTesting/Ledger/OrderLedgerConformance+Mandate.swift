internal import SeckillCore

extension OrderLedgerConformance {
    static let mandate: [Check] = [
        rule("a ledger has one identity") { bench in
            let identity = try await bench.ledger.identity()
            try await bench.open()
            try expect(try await bench.ledger.identity(), equals: identity, "identity")
        },
        rule("a sale is held by nobody until a store is named") { bench in
            _ = try await bench.ledger.create(.sample())
            try expect(try await bench.record().holder, equals: nil, "holder")
            let outcome = try await bench.ledger.beginEpoch(after: 0, of: .sample, in: .sample)
            try expect(outcome, equals: .heldElsewhere(nil), "an epoch for a store that was not named")
            try expect(try await bench.record().epoch, equals: 0, "epoch")
        },
        rule("only a higher number names another holder") { bench in
            let ledger = bench.ledger
            let opened = try await bench.open()
            try expect(opened.holder, equals: .sample, "holder")
            for number in [-1, 0, opened.takeover] {
                let record = try await ledger.transfer(.sample, to: .other, takeover: number)
                try expect(record, equals: opened, "a transfer with number \(number)")
            }
            let number = opened.takeover + 1
            let moved = try require(try await ledger.transfer(.sample, to: .other, takeover: number), "moved")
            try expect(moved.holder, equals: .other, "holder")
            try expect([moved.takeover, moved.epoch, moved.revision], equals: [number, 1, opened.revision], "moved")
            let repeated = try await ledger.transfer(.sample, to: .sample, takeover: number)
            try expect(repeated, equals: moved, "the same number for another store")
            let free = try await ledger.transfer(.sample, to: nil, takeover: number + 1)
            try expect(free?.holder, equals: .some(nil), "given up")
            try expect(try await ledger.sale(.sample), equals: free, "read back")
            try expect(try await ledger.sales().records, equals: [try require(free, "a record")], "listed")
        },
        rule("an epoch begins only for the holder") { bench in
            let opened = try await bench.open()
            let order = try await bench.place(1)
            _ = try await bench.ledger.cancel(order.id, at: .start)
            _ = try await bench.ledger.transfer(.sample, to: .other, takeover: opened.takeover + 1)
            let outcome = try await bench.ledger.beginEpoch(after: 1, of: .sample, in: .sample)
            try expect(outcome, equals: .heldElsewhere(.other), "an epoch for the former holder")
            try expect(try await bench.returns(), equals: [bench.unitReturn(of: order)], "returns")
            // What the former holder has sold is recorded until the new one begins.
            try expect(try await bench.place(2).status, equals: .awaitingPayment, "an order of the former holder")
            guard case .begun = try await bench.ledger.beginEpoch(after: 1, of: .sample, in: .other) else {
                throw Violation("the holder cannot begin an epoch", #fileID, #line)
            }
            try expect(try await bench.place(3).reason, equals: .lost, "an order of the former holder, afterwards")
        },
        rule("of many transfers at once with one number, one counts") { bench in
            let opened = try await bench.open()
            let records = try await together(20) { index in
                let store = StoreName("store \(index)")
                return try await bench.ledger.transfer(.sample, to: store, takeover: opened.takeover + 1)
            }
            try expect(Set(records.map { $0?.holder }).count, equals: 1, "holders named")
        },
        rule("a record counts its orders, and what was installed") { bench in
            try await bench.open(.sample(stock: 10))
            let empty = try await bench.record()
            try expect([empty.recorded, empty.orders, empty.installed], equals: [0, 0, 10], "when it opens")
            let first = bench.reservation(1)
            _ = try await bench.ledger.record([first, bench.reservation(2), first], at: .start)
            let paid = try await bench.place(3)
            _ = try await bench.ledger.pay(paid.id, at: .start)
            _ = try await bench.ledger.reject(bench.reservation(4), because: .undeliverable, at: .start)
            _ = try await bench.ledger.cancel(first.order, at: .start)
            let full = try await bench.record()
            try expect([full.recorded, full.orders, full.installed], equals: [4, 4, 10], "after four orders")
            let stock = try require(try await bench.beginEpoch(after: 1), "the next epoch")
            try expect([stock.remaining, stock.orders], equals: [8, 4], "installed")
            _ = try await bench.place(5)
            let late = try await bench.record()
            try expect([late.recorded, late.orders, late.installed], equals: [0, 5, 8], "a lost order later")
            try expect(try await bench.place(1, epoch: 2).status, equals: .awaitingPayment, "an order of the new epoch")
            let next = try await bench.record()
            try expect([next.recorded, next.orders], equals: [1, 6], "after an order of the new epoch")
        },
        rule("an epoch is raised above a store's, and never lowered") { bench in
            try await bench.open(.sample(stock: 10))
            let order = try await bench.place(1)
            _ = try await bench.ledger.cancel(order.id, at: .start)
            let before = try await bench.record()
            let kept = try await bench.ledger.raiseEpoch(of: .sample, above: 0, acceptingLoss: false)
            try expect(kept, equals: before, "raised above 0")
            let raised = try require(
                try await bench.ledger.raiseEpoch(of: .sample, above: 6, acceptingLoss: false),
                "raised"
            )
            let numbers = [raised.epoch, raised.sequence, raised.recorded, raised.orders, raised.restoredEpoch]
            try expect(numbers, equals: [7, 0, 0, 1, 0], "epoch, sequence, recorded, orders, restored epoch")
            try expect(try await bench.returns(), equals: [], "returns of an epoch that is over")
            try expect(try await bench.place(2, epoch: 6).reason, equals: .lost, "an order of the store's epoch")
            let stock = try require(try await bench.beginEpoch(after: 7), "the next epoch")
            try expect([stock.epoch, stock.remaining], equals: [8, 10], "installed")
        },
        rule("a loss that is accepted raises the epoch in any case, and is kept") { bench in
            try await bench.open()
            let first = try await bench.ledger.raiseEpoch(of: .sample, above: 0, acceptingLoss: true)
            try expect([first?.epoch, first?.restoredEpoch], equals: [2, 2], "above 0")
            let second = try await bench.ledger.raiseEpoch(of: .sample, above: 40, acceptingLoss: true)
            try expect([second?.epoch, second?.restoredEpoch], equals: [41, 41], "above 40")
            _ = try await bench.beginEpoch(after: 41)
            let record = try await bench.record()
            try expect([record.epoch, record.restoredEpoch], equals: [42, 41], "after the next epoch began")
        },
        rule("epochs end where restock versions would lose their last digits") { bench in
            try await bench.open()
            let most = StockSnapshot.maxEpoch
            let last = try await bench.ledger.raiseEpoch(of: .sample, above: most - 1, acceptingLoss: false)
            try expect(last?.epoch, equals: most, "the last epoch")
            try await expectError(.invalid, from: "one more") { try await bench.beginEpoch(after: most) }
            try await expectError(.invalid, from: "one more, raised") {
                try await bench.ledger.raiseEpoch(of: .sample, above: most, acceptingLoss: false)
            }
            try expect(try await bench.record().epoch, equals: most, "epoch")
        },
    ]
}

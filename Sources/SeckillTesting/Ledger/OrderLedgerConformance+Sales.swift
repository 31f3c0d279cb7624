internal import SeckillCore

extension OrderLedgerConformance {
    static let sales: [Check] = [
        rule("a new sale is in epoch 0, open, with the stock declared") { bench in
            let sale = Sale.sample(stock: 7)
            let outcome = try await bench.ledger.create(sale)
            guard case .created(let record) = outcome else { throw Violation("found \(outcome)", #fileID, #line) }
            try expect(record.sale, equals: sale, "the declaration")
            try expect([record.stock, record.epoch, record.sequence], equals: [7, 0, 0], "stock, epoch, sequence")
            try expect(record.admission, equals: .open, "admission")
            try expect(try await bench.ledger.sale(sale.id), equals: record, "read back")
        },
        rule("a declaration is kept to the byte") { bench in
            let sales: [Sale] = [
                .sample(title: "cafe\u{301} 'quoted' \"\u{1F6D2}\" %s {x}; --", closesAt: .start + .milliseconds(1)),
                try Sale(
                    id: .other,
                    title: "0",
                    price: 0,
                    stock: 0,
                    limitPerUser: 1000,
                    opensAt: Timestamp(milliseconds: -1),
                    closesAt: nil,
                    paymentWindow: .seconds(10_000_000)
                ),
            ]
            for sale in sales {
                _ = try await bench.ledger.create(sale)
                let found = try await bench.record(of: sale.id).sale
                try expect(found, equals: sale, "read back")
                try expect(Array(found.title.utf8), equals: Array(sale.title.utf8), "title in bytes")
            }
        },
        rule("the same declaration again is existing, and changes nothing") { bench in
            try await bench.open()
            _ = try await bench.ledger.restock(.sample, adding: 3, id: "r")
            _ = try await bench.ledger.setAdmission(.paused, of: .sample)
            let before = try await bench.record()
            try expect(try await bench.ledger.create(.sample()), equals: .existing(before), "create again")
            try expect(try await bench.record(), equals: before, "the record")
        },
        rule("another declaration under the same id is a conflict, and changes nothing") { bench in
            try await bench.open(.sample(stock: 10))
            let before = try await bench.record()
            let others: [Sale] = [
                .sample(title: "Other"), .sample(stock: 11), .sample(limit: 1), .sample(closesAt: .start + .seconds(1)),
                .sample(opensAt: .start + .milliseconds(1)), .sample(window: .seconds(61)),
            ]
            for other in others {
                try expect(try await bench.ledger.create(other), equals: .conflict(before), "create otherwise")
            }
            try expect(try await bench.record(), equals: before, "the record")
        },
        rule("of many that declare a sale at once, one creates it") { bench in
            let outcomes = try await together(50) { _ in try await bench.ledger.create(.sample()) }
            let created = outcomes.filter { if case .created = $0 { true } else { false } }
            let existing = outcomes.filter { if case .existing = $0 { true } else { false } }
            try expect([created.count, existing.count], equals: [1, 49], "created and existing")
        },
        rule("sales come by id") { bench in
            try expect(try await bench.ledger.sales().records, equals: [], "sales of an empty ledger")
            let ids = ["b", "a", "_", "B", "10", "9", "-", "aa"].map { SaleID($0)! }
            for id in ids { _ = try await bench.ledger.create(.sample(id)) }
            let found = try await bench.ledger.sales().records.map(\.sale.id.text)
            try expect(found, equals: ["-", "10", "9", "B", "_", "a", "aa", "b"], "ids")
        },
        rule("who keeps up with the changes reads the sales that have changed, and no other") { bench in
            try await bench.open(.sample(stock: 1, limit: 1))
            let orders = [bench.reservation(1), bench.reservation(2), bench.reservation(3)]
            let ledger = bench.ledger
            let steps: [(String, @Sendable () async throws -> Void)] = [
                ("create", { _ = try await ledger.create(.sample(.other)) }),
                ("record", { _ = try await ledger.record([orders[0], orders[1]], at: .start) }),
                ("reject", { _ = try await ledger.reject(orders[2], because: .undeliverable, at: .start) }),
                ("setAdmission", { _ = try await ledger.setAdmission(.paused, of: .sample) }),
                ("restock", { _ = try await ledger.restock(.other, adding: 1, id: "r") }),
                ("beginEpoch", { _ = try await bench.beginEpoch(after: 1) }),
                ("transfer", { _ = try await ledger.transfer(.other, to: .sample, takeover: 1) }),
                ("raiseEpoch", { _ = try await ledger.raiseEpoch(of: .other, above: 7, acceptingLoss: true) }),
            ]
            var listing = try await ledger.sales()
            var known = listing.records
            for (name, step) in steps {
                try await step()
                let all = try await ledger.sales().records
                listing = try await ledger.sales(changedAfter: listing.change)
                try expect(listing.records, equals: all.filter { !known.contains($0) }, "changed by \(name)")
                try expect(listing.records.count, equals: 1, "sales changed by \(name)")
                known = all
                let again = try await ledger.sales(changedAfter: listing.change)
                try expect(again, equals: SaleListing([], change: listing.change), "after \(name), read again")
            }
        },
        rule("who knows changes that the ledger does not have reads all sales") { bench in
            try await bench.open()
            _ = try await bench.ledger.create(.sample(.other))
            let all = try await bench.ledger.sales()
            try expect(all.change > 0, "the last change is \(all.change)")
            try expect(try await bench.ledger.sales(changedAfter: all.change + 1), equals: all, "read from the future")
        },
        rule("of changes that are made at once, none is missed") { bench in
            let ids = (0..<4).map { SaleID("sale-\($0)")! }
            for id in ids { _ = try await bench.ledger.create(.sample(id)) }
            async let changes: [Void] = together(40) { index in
                _ = try await bench.ledger.restock(ids[index % 4], adding: 1, id: "\(index)")
            }
            var listing = try await bench.ledger.sales()
            var known = Dictionary(uniqueKeysWithValues: listing.records.map { ($0.sale.id, $0) })
            for _ in 0..<40 {
                listing = try await bench.ledger.sales(changedAfter: listing.change)
                for record in listing.records { known[record.sale.id] = record }
            }
            _ = try await changes
            for record in try await bench.ledger.sales(changedAfter: listing.change).records {
                known[record.sale.id] = record
            }
            let all = try await bench.ledger.sales().records
            try expect(ids.map { known[$0] }, equals: all, "what a reader knows that has kept up")
        },
        rule("an unknown sale is nil everywhere") { bench in
            let ledger = bench.ledger
            try expect(try await ledger.sale(.sample), equals: nil, "sale")
            try expect(try await ledger.setAdmission(.paused, of: .sample), equals: nil, "setAdmission")
            try expect(try await ledger.restock(.sample, adding: 1, id: "r"), equals: nil, "restock")
            try expect(try await ledger.beginEpoch(after: 0, of: .sample, in: .sample), equals: nil, "beginEpoch")
            try expect(try await ledger.transfer(.sample, to: .sample, takeover: 1), equals: nil, "transfer")
            let raised = try await ledger.raiseEpoch(of: .sample, above: 1, acceptingLoss: false)
            try expect(raised, equals: nil, "raiseEpoch")
            try expect(try await ledger.totals(of: .sample), equals: nil, "totals")
            let answer = try await ledger.lookUp(bench.reservation(1).order)
            try expect(answer, equals: LedgerAnswer(order: nil, epoch: nil), "lookUp")
        },
        rule("turning the switch raises the revision, leaving it does not") { bench in
            let first = try await bench.open()
            let paused = try require(try await bench.ledger.setAdmission(.paused, of: .sample), "paused")
            try expect(paused.admission, equals: .paused, "admission")
            try expect(paused.revision > first.revision, "revision \(paused.revision) after \(first.revision)")
            let again = try await bench.ledger.setAdmission(.paused, of: .sample)
            try expect(again, equals: paused, "paused again")
            let open = try require(try await bench.ledger.setAdmission(.open, of: .sample), "open")
            try expect(open.revision > paused.revision, "revision \(open.revision) after \(paused.revision)")
            try expect(open.terms.admission, equals: .open, "the terms")
            try expect(try await bench.record(), equals: open, "read back")
        },
        rule("closed stays closed") { bench in
            try await bench.open()
            let closed = try await bench.ledger.setAdmission(.closed, of: .sample)
            try expect(closed?.admission, equals: .closed, "admission")
            for admission in [Admission.open, .paused, .closed] {
                let found = try await bench.ledger.setAdmission(admission, of: .sample)
                try expect(found, equals: closed, "turned to \(admission)")
            }
        },
        rule("a restock adds units and writes one return that brings them to the store") { bench in
            try await bench.open(.sample(stock: 10))
            let record = try await bench.ledger.restock(.sample, adding: 5, id: "restock.1")
            try expect(record?.stock, equals: 15, "stock")
            try expect(record?.sale.stock, equals: 10, "the declaration")
            let expected = StockReturn(id: "restock.1", sale: .sample, epoch: 1, units: 5, user: nil)
            try expect(try await bench.returns(), equals: [expected], "returns")
            try expect(try await bench.totals(), equals: SaleTotals(stock: 15, returning: 5), "totals")
        },
        rule("units that were added sell like those declared") { bench in
            try await bench.open(.sample(stock: 1))
            _ = try await bench.ledger.restock(.sample, adding: 2, id: "r")
            let orders = try await bench.ledger.record((1...4).map { bench.reservation($0) }, at: .start)
            try expect(orders.filter { $0.status == .awaitingPayment }.count, equals: 3, "live")
            try expect(orders[3].reason, equals: .soldOut, "the one too many")
        },
        rule("a restock repeated by its id adds nothing, whatever happened since") { bench in
            try await bench.open(.sample(stock: 999_999_990))
            _ = try await bench.ledger.restock(.sample, adding: 7, id: "r")
            let again = try await bench.ledger.restock(.sample, adding: 7, id: "r")
            try expect(again?.stock, equals: 999_999_997, "stock after a repeat that would not fit")
            try await bench.ledger.markReturnsApplied(try await bench.returns())
            _ = try await bench.ledger.restock(.sample, adding: 7, id: "r")
            _ = try await bench.beginEpoch(after: 1, of: .sample)
            _ = try await bench.ledger.restock(.sample, adding: 7, id: "r")
            try expect(try await bench.record().stock, equals: 999_999_997, "stock")
            try expect(try await bench.returns(), equals: [], "returns")
        },
        rule("restocks of two sales may have the same id") { bench in
            try await bench.open()
            try await bench.open(.sample(.other))
            _ = try await bench.ledger.restock(.sample, adding: 1, id: "r")
            _ = try await bench.ledger.restock(.other, adding: 2, id: "r")
            try expect(try await bench.record().stock, equals: 11, "one sale's stock")
            try expect(try await bench.record(of: .other).stock, equals: 12, "the other's")
            let first = StockReturn(id: "r", sale: .sample, epoch: 1, units: 1, user: nil)
            let second = StockReturn(id: "r", sale: .other, epoch: 1, units: 2, user: nil)
            try expect(try await bench.returns(), equals: [first, second], "returns")
            try await bench.ledger.markReturnsApplied([first])
            try expect(try await bench.returns(), equals: [second], "returns after one is closed")
        },
        rule("a restock beyond 10^9 units is invalid, and changes nothing") { bench in
            try await bench.open(.sample(stock: 999_999_999))
            let before = try await bench.record()
            for units in [2, 1_000_000_000, Int.max] {
                try await expectError(.invalid, from: "restock by \(units)") {
                    try await bench.ledger.restock(.sample, adding: units, id: "r")
                }
            }
            try expect(try await bench.record(), equals: before, "the record")
            try expect(try await bench.returns(), equals: [], "returns")
            let last = try await bench.ledger.restock(.sample, adding: 1, id: "r")
            try expect(last?.stock, equals: 1_000_000_000, "stock")
        },
        rule("units added before the first epoch are in what it installs, once") { bench in
            _ = try await bench.ledger.create(.sample(stock: 10))
            _ = try await bench.ledger.restock(.sample, adding: 5, id: "r")
            let installed = try await bench.beginEpoch(after: 0, of: .sample)
            try expect(installed?.remaining, equals: 15, "installed")
            try expect(try await bench.returns(), equals: [], "returns")
        },
    ]
}

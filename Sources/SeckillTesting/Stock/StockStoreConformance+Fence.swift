internal import SeckillCore

extension StockStoreConformance {
    static let fence: [Check] = [
        rule("a sale that was never installed is unavailable, and nothing installs it but a rebuild") { bench in
            let order = bench.order(for: .alice)
            for _ in 1...2 {
                try await expectError(.unavailable, from: "reserve") {
                    try await bench.store.reserve(order, for: .alice)
                }
                try expect(try await bench.store.snapshot(of: .sample), equals: nil, "snapshot")
                try expect(try await bench.store.reservation(of: order), equals: nil, "reservation")
                let returned = try await bench.store.giveBack([bench.unitReturn(of: order, for: .alice)])
                try expect(returned, equals: [.refused], "giveBack")
                // None of these may bring the sale into being.
                try await bench.store.update(bench.terms())
                try await bench.store.distrust(.sample, epoch: 1)
            }
            try expect(try await bench.store.outbox.depth().count, equals: 0, "outbox")
        },
        rule("the identity is the same for as long as nothing replaces the contents") { bench in
            let identity = try await bench.store.identity()
            try await bench.install(stock: 2)
            try await bench.reserve(2)
            try await bench.store.distrust(.sample, epoch: 1)
            try await bench.install(stock: 2, epoch: 2)
            try expect(try await bench.store.identity(), equals: identity, "identity")
        },
        rule("an order of an older epoch is stale, whatever else holds") { bench in
            try await bench.install(stock: 5, epoch: 3)
            for epoch in [1, 2] {
                try expect(try await bench.reserve(.alice, epoch: epoch), equals: .stale, "an order of epoch \(epoch)")
            }
            try await bench.store.update(bench.terms(admission: .closed, revision: 2))
            try expect(try await bench.reserve(.alice, epoch: 2), equals: .stale, "an order of epoch 2, sale closed")
            let snapshot = try await bench.snapshot()
            try expect([snapshot.remaining, snapshot.sequence], equals: [5, 0], "remaining and sequence")
        },
        rule("an order of a later epoch is unavailable, and takes nothing") { bench in
            try await bench.install(stock: 5)
            try await expectError(.unavailable, from: "an order of epoch 2") {
                try await bench.reserve(.alice, epoch: 2)
            }
            let snapshot = try await bench.snapshot()
            try expect([snapshot.remaining, snapshot.sequence], equals: [5, 0], "remaining and sequence")
        },
        rule("a sale that is distrusted sells nothing until a rebuild, and keeps its outbox") { bench in
            try await bench.install(stock: 5)
            let taken = try await bench.reserve(2)
            try await bench.store.distrust(.sample, epoch: 1)
            for reservation in [taken[0].order, bench.order(for: .alice)] {
                try await expectError(.unavailable, from: "reserve") {
                    try await bench.store.reserve(reservation, for: .number(0))
                }
            }
            try expect(try await bench.store.snapshot(of: .sample), equals: nil, "snapshot")
            let returned = try await bench.store.giveBack([bench.unitReturn(of: taken[0].order, for: taken[0].user)])
            try expect(returned, equals: [.refused], "giveBack")
            let (_, drained) = try await bench.claim(epoch: 1)
            try expect(drained, equals: taken, "drained")
        },
        rule("distrust of another epoch or another sale changes nothing") { bench in
            try await bench.install(stock: 5, epoch: 2)
            try await bench.store.distrust(.sample, epoch: 1)
            try await bench.store.distrust(.sample, epoch: 3)
            try await bench.store.distrust(.other, epoch: 2)
            let outcome = try await bench.reserve(.alice, epoch: 2)
            try expect(outcome, equals: .reserved(sequence: 1), "reserve")
        },
        rule("sales do not touch each other") { bench in
            try await bench.install(bench.terms(of: .sample, limit: 1), stock: 1)
            try await bench.install(bench.terms(of: .other, limit: 1), stock: 5, epoch: 4)
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "one sale")
            let there = try await bench.reserve(.alice, of: .other, epoch: 4)
            try expect(there, equals: .reserved(sequence: 1), "the other")
            _ = try await bench.store.giveBack([bench.restock("r", units: 3)])
            let again = try await bench.store.giveBack([bench.restock("r", units: 1, of: .other, epoch: 4)])
            try expect(again, equals: [.applied], "a return of the other sale with the same id")
            try await bench.store.distrust(.other, epoch: 4)
            try expect(try await bench.snapshot().remaining, equals: 3, "remaining of the one")
            try expect(try await bench.reserve(.bob), equals: .reserved(sequence: 2), "while the other is distrusted")
        },
    ]
}

internal import SeckillCore

extension StockStoreConformance {
    static let rebuild: [Check] = [
        rule("a sale that is as the ledger says needs no rebuild") { bench in
            try await bench.install(stock: 3, epoch: 2)
            try expect(try await bench.tryClaim(epoch: 2), equals: .current, "claim")
            try await bench.reserve(1, epoch: 2)
            for sequence in [0, 1] {
                let outcome = try await bench.tryClaim(epoch: 2, sequence: sequence)
                try expect(outcome, equals: .current, "claim, the ledger at \(sequence)")
            }
            try expect(try await bench.reserve(.alice, epoch: 2), equals: .reserved(sequence: 2), "reserve")
        },
        rule("a store that is behind the ledger's sequence is rebuilt") { bench in
            try await bench.install(stock: 3)
            let taken = try await bench.reserve(1)
            guard case .claimed(_, let drained) = try await bench.tryClaim(epoch: 1, sequence: 2) else {
                throw Violation("the store has forgotten an order and is taken as it is", #fileID, #line)
            }
            try expect(drained, equals: taken, "drained")
        },
        rule("a claim takes the whole outbox, in order: what consumers hold too, what they acknowledged not") { bench in
            try await bench.install(stock: 10)
            let taken = try await bench.reserve(6)
            let held = try await bench.store.outbox.receive(4, as: ConsumerID("worker"), wait: .zero)
            try await bench.store.outbox.acknowledge([held[0], held[2]])
            try await bench.store.distrust(.sample, epoch: 1)
            let (first, drained) = try await bench.claim(epoch: 1)
            let expected = [taken[1], taken[3], taken[4], taken[5]]
            try expect(drained, equals: expected, "drained")
            // It stays until the install: a rebuild that dies here loses nothing.
            try await bench.store.abandon(first)
            let (_, again) = try await bench.claim(epoch: 1)
            try expect(again, equals: expected, "drained again")
        },
        rule("from the claim on, nothing is reserved that was not drained") { bench in
            try await bench.install(stock: 10)
            // The ledger is an epoch ahead: its rebuild died before the install.
            let (claim, _) = try await bench.claim(epoch: 2)
            for epoch in [1, 2] {
                do {
                    let outcome = try await bench.reserve(.alice, epoch: epoch)
                    try expect(outcome, equals: .stale, "reserved while claimed, in epoch \(epoch)")
                } catch let error as SeckillError where error.code == .unavailable {}
            }
            let stock = InstalledStock(terms: bench.terms(), epoch: 3, remaining: 10, held: [:])
            try expect(try await bench.store.install(stock, under: claim), "the install is refused")
            try expect(try await bench.reserve(.alice, epoch: 3), equals: .reserved(sequence: 1), "after the install")
        },
        rule("while one claim is alive there is no other") { bench in
            let (claim, _) = try await bench.claim(epoch: 0)
            for epoch in [0, 1] {
                try expect(try await bench.tryClaim(epoch: epoch), equals: .busy, "a second claim")
            }
            let elsewhere = try await bench.claim(.other, epoch: 0).0
            try expect(elsewhere.token != claim.token || elsewhere.sale != claim.sale, "the claim of another sale")
        },
        rule("a claim on another identity than the store's is busy") { bench in
            for epoch in [0, 1] {
                let outcome = try await bench.store.claim(
                    .sample,
                    epoch: epoch,
                    sequence: 0,
                    identity: StoreIdentity("another store"),
                    lifetime: .seconds(60)
                )
                try expect(outcome, equals: .busy, "claim of epoch \(epoch)")
                if epoch == 0 { try await bench.install(stock: 1) }
            }
        },
        rule("an install under a claim on another identity is refused, and changes nothing") { bench in
            let (claim, _) = try await bench.claim(epoch: 0)
            var foreign = claim
            foreign.identity = StoreIdentity("another store")
            let stock = InstalledStock(terms: bench.terms(), epoch: 1, remaining: 10, held: [:])
            try expect(!(try await bench.store.install(stock, under: foreign)), "installed under a foreign claim")
            try expect(try await bench.store.snapshot(of: .sample), equals: nil, "snapshot")
            try expect(try await bench.store.install(stock, under: claim), "the claim itself is over")
        },
        rule("a claim runs out by itself, and then installs nothing") { bench in
            let short = TestTime.short
            let stock = InstalledStock(terms: bench.terms(), epoch: 1, remaining: 10, held: [:])
            let (first, _) = try await bench.claim(epoch: 0, lifetime: short)
            try await bench.time.pass(short)
            try expect(!(try await bench.store.install(stock, under: first)), "installed under a claim that ran out")
            try expect(try await bench.store.snapshot(of: .sample), equals: nil, "snapshot")
            let (second, _) = try await bench.claim(epoch: 0)
            try expect(!(try await bench.store.install(stock, under: first)), "installed under a claim taken over")
            try await bench.store.abandon(first)
            try expect(try await bench.store.install(stock, under: second), "giving up the first ended the second")
            if let clock = bench.time.manual {
                let (exact, _) = try await bench.claim(.other, epoch: 0, lifetime: short)
                clock.advance(by: short - .milliseconds(1))
                let terms = bench.terms(of: .other)
                let installed = InstalledStock(terms: terms, epoch: 1, remaining: 1, held: [:])
                try expect(try await bench.store.install(installed, under: exact), "1 ms before its end")
            }
        },
        rule("a claim given up leaves room for another, and is over") { bench in
            let stock = InstalledStock(terms: bench.terms(), epoch: 1, remaining: 10, held: [:])
            let (first, _) = try await bench.claim(epoch: 0)
            try await bench.store.abandon(first)
            try await bench.store.abandon(first)
            try expect(!(try await bench.store.install(stock, under: first)), "installed under a claim given up")
            let (second, _) = try await bench.claim(epoch: 0)
            try expect(try await bench.store.install(stock, under: second), "the install")
            try await bench.store.abandon(second)
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "after giving up too late")
        },
        rule("a claim installs once") { bench in
            let (claim, _) = try await bench.claim(epoch: 0)
            var stock = InstalledStock(terms: bench.terms(), epoch: 1, remaining: 10, held: [:])
            try expect(try await bench.store.install(stock, under: claim), "first")
            _ = try await bench.reserve(.alice)
            stock.epoch = 2
            try expect(!(try await bench.store.install(stock, under: claim)), "installed twice")
            let snapshot = try await bench.snapshot()
            try expect([snapshot.epoch, snapshot.remaining], equals: [1, 9], "epoch and remaining")
        },
        rule("an install replaces everything the sale had") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 5)
            let old = try await bench.reserve(3)
            _ = try await bench.store.giveBack([bench.restock("r", units: 4)])
            let held = try await bench.store.outbox.receive(2, as: ConsumerID("worker"), wait: .zero)
            let drained = try await bench.install(
                bench.terms(limit: 2, revision: 7),
                stock: 8,
                epoch: 2,
                held: [.number(0): 1]
            )
            try expect(drained, equals: old, "drained")
            let snapshot = try await bench.snapshot()
            let expected = StockSnapshot(
                epoch: 2,
                remaining: 8,
                pending: 0,
                sequence: 0,
                version: snapshot.version,
                revision: 7
            )
            try expect(snapshot, equals: expected, "snapshot")
            try expect(try await bench.store.reservation(of: old[0].order), equals: nil, "an old reservation")
            let again = try await bench.store.reserve(old[0].order, for: old[0].user)
            try expect(again, equals: .stale, "an old link")
            try expect(try await bench.store.outbox.depth().count, equals: 0, "outbox")
            try await bench.store.outbox.acknowledge(held)
            for index in 0...1 {
                let outcome = try await bench.reserve(.number(index), epoch: 2)
                try expect(outcome, equals: .reserved(sequence: index + 1), "user \(index) of the new epoch")
            }
            try expect(try await bench.reserve(.number(0), epoch: 2), equals: .limitReached, "the limit as installed")
        },
        rule("of many rebuilders at once, one claims") { bench in
            let outcomes = try await together(50) { _ in try await bench.tryClaim(epoch: 0) }
            let busy = outcomes.filter { $0 == .busy }.count
            try expect(busy, equals: 49, "rebuilders that were told to wait")
        },
        rule("what is reserved while a rebuild begins is drained by it") { bench in
            try await bench.install(stock: 1000)
            async let drained = {
                await Task.yield()
                try await bench.store.distrust(.sample, epoch: 1)
                return try await bench.claim(epoch: 1).1
            }()
            let reserved = try await together(200) { index -> OrderID? in
                let order = bench.order(for: .number(index))
                do {
                    guard case .reserved = try await bench.store.reserve(order, for: .number(index)) else { return nil }
                    return order
                } catch let error as SeckillError where error.code == .unavailable {
                    return nil
                }
            }
            let found = try await drained.map(\.order)
            try expect(Set(found), equals: Set(reserved.compactMap(\.self)), "drained")
        },
    ]
}

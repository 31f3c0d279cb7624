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
            guard case .claimed(let claim) = try await bench.tryClaim(epoch: 1, sequence: 2) else {
                throw Violation("the store has forgotten an order and is taken as it is", #fileID, #line)
            }
            try expect(try await bench.drain(claim), equals: taken, "drained")
        },
        rule("a store whose counts do not add up to what was installed is rebuilt") { bench in
            try await bench.install(stock: 3)
            try await bench.reserve(1)
            _ = try await bench.store.giveBack([bench.restock("r", units: 4)])
            let right = try await bench.tryClaim(bench.record(epoch: 1, installed: 3))
            try expect(right, equals: .current, "claim, 3 units installed")
            guard case .claimed = try await bench.tryClaim(bench.record(epoch: 1, installed: 4)) else {
                throw Violation("a store that has one unit too few is taken as it is", #fileID, #line)
            }
        },
        rule("a store in a later epoch than the ledger says so, and goes on") { bench in
            try await bench.install(stock: 3, epoch: 4)
            for epoch in [0, 1, 3] {
                guard case .ahead(4, _) = try await bench.tryClaim(epoch: epoch) else {
                    throw Violation("claimed for epoch \(epoch), the store is in 4", #fileID, #line)
                }
            }
            try expect(try await bench.reserve(.alice, epoch: 4), equals: .reserved(sequence: 1), "reserve")
            try await bench.store.distrust(.sample, epoch: 4)
            guard case .ahead(4, _) = try await bench.tryClaim(epoch: 3) else {
                throw Violation("a closed store in a later epoch was claimed", #fileID, #line)
            }
            _ = try await bench.claim(epoch: 4)
        },
        rule("a store that knows more recorded orders than the ledger says so, unless the loss is accepted") { bench in
            try await bench.install(stock: 9)
            let terms = bench.terms()
            try await bench.store.distrust(.sample, epoch: 1)
            let (claim, _) = try await bench.claim(epoch: 1)
            let stock = InstalledStock(terms: terms, epoch: 2, remaining: 9, held: [:], orders: 5)
            try expect(try await bench.store.install(stock, under: claim), "the install")
            try await bench.reserve(3, epoch: 2)
            let worker = ConsumerID("worker")
            let held = try await bench.store.outbox.receive(2, as: worker, wait: .zero)
            try await bench.store.outbox.acknowledge(held)
            let snapshot = try await bench.snapshot()
            try expect([snapshot.settled, snapshot.pending], equals: [2, 1], "settled and pending")
            let right = try await bench.tryClaim(bench.record(epoch: 2, recorded: 2, orders: 7))
            try expect(right, equals: .current, "claim, the ledger has all seven")
            let lacking = [
                try await bench.record(epoch: 2, recorded: 2, orders: 6),
                try await bench.record(epoch: 2, recorded: 1, orders: 6),
                // As many rows in all, because late orders of older epochs have been recorded as lost.
                try await bench.record(epoch: 2, recorded: 1, orders: 9),
                try await bench.record(epoch: 3, recorded: 0, orders: 6),
            ]
            for record in lacking {
                guard case .ahead(2, let orders) = try await bench.tryClaim(record), orders > record.orders else {
                    throw Violation("a ledger that lacks orders was taken as it is", #fileID, #line)
                }
            }
            try expect(try await bench.reserve(.bob, epoch: 2), equals: .reserved(sequence: 4), "reserve")
            guard case .claimed = try await bench.tryClaim(bench.record(epoch: 3, orders: 6, restoredEpoch: 3)) else {
                throw Violation("the loss is accepted, and the store was not claimed", #fileID, #line)
            }
        },
        rule("a lease lives as long as it is renewed, and not when it is over") { bench in
            let short = TestTime.short
            let (claim, _) = try await bench.claim(epoch: 0, lifetime: short)
            try expect(try await bench.store.renew(claim, for: short * 10), "renewed")
            try await bench.time.pass(short * 2)
            try expect(try await bench.tryClaim(epoch: 0), equals: .busy, "another claim")
            var foreign = claim
            foreign.identity = StoreIdentity("another store")
            try expect(!(try await bench.store.renew(foreign, for: short)), "renewed on another identity")
            let stock = InstalledStock(terms: bench.terms(), epoch: 1, remaining: 1, held: [:])
            try expect(try await bench.store.install(stock, under: claim), "the install")
            try expect(!(try await bench.store.renew(claim, for: short)), "renewed after its install")
            let (second, _) = try await bench.claim(.other, epoch: 0, lifetime: short)
            try await bench.time.pass(short)
            try expect(!(try await bench.store.renew(second, for: short)), "renewed after its end")
            let (third, _) = try await bench.claim(.other, epoch: 0)
            try expect(!(try await bench.store.renew(second, for: short)), "renewed after another's claim")
            try await bench.store.abandon(third)
        },
        rule("an outbox is drained in pages, of the epoch that the store was in") { bench in
            try await bench.install(stock: 30)
            let taken = try await bench.reserve(25)
            let held = try await bench.store.outbox.receive(20, as: ConsumerID("worker"), wait: .zero)
            try await bench.store.outbox.acknowledge(Array(held[..<12]))
            // The ledger is epochs ahead: it went back and was raised.
            let (claim, drained) = try await bench.claim(epoch: 7)
            try expect(drained, equals: Array(taken[12...]), "drained at once")
            for limit in [1, 2, 5, 13] {
                try expect(try await bench.drain(claim, limit: limit), equals: drained, "drained \(limit) by \(limit)")
            }
        },
        rule("an install never lowers the epoch") { bench in
            try await bench.install(stock: 3, epoch: 5)
            try await bench.store.distrust(.sample, epoch: 5)
            let (claim, _) = try await bench.claim(epoch: 5)
            for epoch in [1, 4, 5] {
                let stock = InstalledStock(terms: bench.terms(), epoch: epoch, remaining: 9, held: [:])
                try expect(!(try await bench.store.install(stock, under: claim)), "installed epoch \(epoch)")
            }
            let next = InstalledStock(terms: bench.terms(), epoch: 6, remaining: 9, held: [:])
            try expect(try await bench.store.install(next, under: claim), "the install of the next epoch")
        },
        rule("orders of an epoch are listed by their keys") { bench in
            guard !bench.store.isInProcess else { return }
            try await bench.install(stock: 50, held: [.alice: 1])
            let taken = try await bench.reserve(40)
            _ = try await bench.store.giveBack([bench.unitReturn(of: taken[0].order, for: taken[0].user)])
            var keys: Set<UInt64> = []
            var cursor: String?
            repeat {
                let page = try await bench.store.orderKeys(of: .sample, epoch: 1, after: cursor, limit: 7)
                keys.formUnion(page.keys)
                cursor = page.next
            } while cursor != nil
            try expect(keys, equals: Set(taken.map(\.order.key)), "keys")
            let other = try await bench.store.orderKeys(of: .sample, epoch: 2, after: nil, limit: 7)
            try expect(other, equals: OrderKeyPage([], next: nil), "of another epoch")
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
                    bench.record(epoch: epoch),
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
                revision: 7,
                settled: 0,
                returned: 0
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

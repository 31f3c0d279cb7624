internal import SeckillCore

extension StockStoreConformance {
    static let reserving: [Check] = [
        rule("one step moves a unit from the stock to the outbox, with the next sequence") { bench in
            try await bench.install(stock: 3)
            var expected = StockSnapshot(
                epoch: 1,
                remaining: 3,
                pending: 0,
                sequence: 0,
                version: try await bench.snapshot().version,
                revision: 1
            )
            try expect(try await bench.snapshot(), equals: expected, "installed")
            for sequence in 1...3 {
                let outcome = try await bench.reserve(.number(sequence))
                try expect(outcome, equals: .reserved(sequence: sequence), "unit \(sequence)")
                expected.remaining -= 1
                expected.pending += 1
                expected.sequence += 1
                try expect(try await bench.snapshot(), equals: expected, "after unit \(sequence)")
            }
            let outcome = try await bench.reserve(.alice)
            try expect(outcome, equals: .soldOut(version: expected.version), "one unit too many")
            try expect(try await bench.snapshot(), equals: expected, "after a refusal")
        },
        rule("the reservation is the same in the store and in the outbox") { bench in
            try await bench.install(stock: 100)
            for (index, user) in UserID.odd.enumerated() {
                let order = bench.order(for: user)
                let before = bench.time.clock.now
                _ = try await bench.store.reserve(order, for: user)
                let after = bench.time.clock.now
                let known = try require(try await bench.store.reservation(of: order), "reservation(of:)")
                let slack: Duration = bench.time.manual == nil ? .seconds(1) : .zero
                try expect(
                    known.reservedAt >= before + (.zero - slack) && known.reservedAt <= after + slack,
                    "reservedAt \(known.reservedAt), between \(before) and \(after)"
                )
                let expected = Reservation(
                    order: order,
                    user: user,
                    sequence: index + 1,
                    reservedAt: known.reservedAt
                )
                try expect(known, equals: expected, "reservation(of:)")
                let delivery = try await bench.store.outbox.receive(2, as: ConsumerID("worker"), wait: .zero)
                try expect(delivery.map(\.content), equals: [.reservation(expected)], "in the outbox")
            }
        },
        rule("a repeated order is already reserved, with its first sequence, and takes nothing") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 2)
            let order = bench.order(for: .alice)
            try expect(try await bench.store.reserve(order, for: .alice), equals: .reserved(sequence: 1), "first")
            _ = try await bench.reserve(.bob)
            let before = try await bench.snapshot()
            for turn in 2...4 {
                let again = try await bench.store.reserve(order, for: .alice)
                try expect(again, equals: .alreadyReserved(sequence: 1), "time \(turn), with nothing left")
            }
            try expect(try await bench.snapshot(), equals: before, "snapshot")
            let entries = try await bench.store.outbox.receive(10, as: ConsumerID("worker"), wait: .zero)
            try expect(entries.count, equals: 2, "entries")
            try await bench.store.outbox.acknowledge(entries)
            let settled = try await bench.store.reserve(order, for: .alice)
            try expect(settled, equals: .alreadyReserved(sequence: 1), "after it was acknowledged")
            try expect(try await bench.store.outbox.depth().count, equals: 0, "outbox")
            try expect(try await bench.store.reservation(of: order)?.sequence, equals: 1, "reservation(of:)")
        },
        rule("an order given back stays known and does not sell again") { bench in
            try await bench.install(stock: 1)
            let order = bench.order(for: .alice)
            _ = try await bench.store.reserve(order, for: .alice)
            _ = try await bench.store.giveBack([bench.unitReturn(of: order, for: .alice)])
            let again = try await bench.store.reserve(order, for: .alice)
            try expect(again, equals: .alreadyReserved(sequence: 1), "the same link")
            try expect(try await bench.store.reservation(of: order)?.user, equals: .alice, "reservation(of:)")
            try expect(try await bench.snapshot().remaining, equals: 1, "remaining")
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 2), "a new link")
        },
        rule("a known order is answered first, whatever became of the sale") { bench in
            try await bench.install(stock: 1)
            let order = bench.order(for: .alice)
            _ = try await bench.store.reserve(order, for: .alice)
            let changes = [
                bench.terms(limit: 1, revision: 2), bench.terms(admission: .paused, revision: 3),
                bench.terms(opensIn: .seconds(3600), revision: 4), bench.terms(closesIn: .seconds(-1), revision: 5),
                bench.terms(admission: .closed, revision: 6),
            ]
            for terms in changes {
                try await bench.store.update(terms)
                let again = try await bench.store.reserve(order, for: .alice)
                try expect(again, equals: .alreadyReserved(sequence: 1), "under \(terms)")
            }
        },
        rule("the user's limit counts live orders, those installed among them") { bench in
            try await bench.install(bench.terms(limit: 3), stock: 100, held: [.alice: 2, .bob: 3, .number(1): 5])
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "the third of three")
            for user in [UserID.alice, .bob, .number(1)] {
                try expect(try await bench.reserve(user), equals: .limitReached, "'\(user)', over the limit")
            }
            try expect(try await bench.reserve(.number(2)), equals: .reserved(sequence: 2), "a stranger")
        },
        rule("users are told apart by bytes") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 1000, held: [.alice: 1])
            for user in UserID.odd {
                guard case .reserved = try await bench.reserve(user) else {
                    throw Violation("'\(user)' is taken for somebody else", #fileID, #line)
                }
            }
            for user in UserID.odd {
                try expect(try await bench.reserve(user), equals: .limitReached, "the second of '\(user)'")
            }
        },
        rule("a cancelled caller's order happens once or not at all") { bench in
            try await bench.install(stock: 100)
            for index in 0..<50 {
                let user = UserID.number(index)
                let order = bench.order(for: user)
                let attempt = Task { try await bench.store.reserve(order, for: user) }
                if index % 2 == 1 { await Task.yield() }
                attempt.cancel()
                do { _ = try await attempt.value } catch is CancellationError {}
                _ = try await bench.store.reserve(order, for: user)
            }
            let snapshot = try await bench.snapshot()
            try expect([snapshot.remaining, snapshot.pending], equals: [50, 50], "remaining and pending")
        },
    ]

    static let terms: [Check] = [
        rule("closed comes before paused, paused before not open, not open before sold out, sold out before limit") {
            bench in
            let hour: Duration = .seconds(3600)
            try await bench.install(bench.terms(limit: 1, opensIn: hour), stock: 0, held: [.alice: 1])
            let version = try await bench.snapshot().version
            let cases: [(String, SaleTerms, ReserveOutcome?)] = [
                ("not open and sold out", bench.terms(limit: 1, opensIn: hour, revision: 2), nil),
                ("paused and not open", bench.terms(limit: 1, opensIn: hour, admission: .paused, revision: 3), .paused),
                ("closed and not open", bench.terms(limit: 1, opensIn: hour, admission: .closed, revision: 4), .closed),
                ("over and paused", bench.terms(closesIn: .seconds(-1), admission: .paused, revision: 5), .closed),
                ("sold out and over the limit", bench.terms(limit: 1, revision: 6), .soldOut(version: version)),
            ]
            for (what, terms, expected) in cases {
                try await bench.store.update(terms)
                let found = try await bench.reserve(.alice)
                try expect(found, equals: expected ?? .notOpen(opensAt: terms.opensAt), what)
            }
            _ = try await bench.store.giveBack([bench.restock("r", units: 1)])
            try expect(try await bench.reserve(.alice), equals: .limitReached, "over the limit")
            try expect(try await bench.reserve(.bob), equals: .reserved(sequence: 1), "a stranger")
        },
        rule("a sale opens and closes on its millisecond") { bench in
            let short = TestTime.short
            let start = bench.time.clock.uptime
            try await bench.install(bench.terms(opensIn: short, closesIn: short * 3), stock: 10)
            let early = try await bench.reserve(.alice)
            if case .notOpen = early {
            } else {
                try expect(bench.time.since(start) >= short, "before opening: found \(early)")
            }
            if let clock = bench.time.manual {
                clock.advance(by: short - .milliseconds(1))
                let opensAt = clock.now + .milliseconds(1)
                try expect(try await bench.reserve(.alice), equals: .notOpen(opensAt: opensAt), "1 ms before opening")
                clock.advance(by: .milliseconds(1))
                try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "at opening")
                clock.advance(by: short * 2 - .milliseconds(1))
                try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 2), "1 ms before closing")
                clock.advance(by: .milliseconds(1))
            } else {
                try await bench.time.pass(short)
                let open = try await bench.reserve(.alice)
                if case .reserved = open {
                } else {
                    try expect(bench.time.since(start) >= short * 3, "after opening: found \(open)")
                }
                try await bench.time.pass(short * 2)
            }
            try expect(try await bench.reserve(.alice), equals: .closed, "at closing")
        },
        rule("only terms of a later revision replace those that are held") { bench in
            try await bench.install(bench.terms(revision: 5), stock: 10)
            for revision in [1, 4, 5] {
                try await bench.store.update(bench.terms(admission: .closed, revision: revision))
                try expect(try await bench.snapshot().revision, equals: 5, "after revision \(revision)")
            }
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "reserve")
            try await bench.store.update(bench.terms(admission: .paused, revision: 9))
            try await bench.store.update(bench.terms(admission: .open, revision: 7))
            try expect(try await bench.reserve(.alice), equals: .paused, "after 9 and 7")
            try expect(try await bench.snapshot().revision, equals: 9, "revision")
            try await bench.store.update(bench.terms(limit: 1, revision: 10))
            try expect(try await bench.reserve(.alice), equals: .limitReached, "after the limit was lowered")
        },
        rule("terms that arrive in any order, and at once, end at the latest") { bench in
            try await bench.install(stock: 10)
            _ = try await together(40) { index in
                let revision = (index * 17) % 40 + 2
                let admission: Admission = revision == 41 ? .open : .paused
                try await bench.store.update(bench.terms(admission: admission, revision: revision))
            }
            try expect(try await bench.snapshot().revision, equals: 41, "revision")
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 1), "reserve")
        },
    ]
}

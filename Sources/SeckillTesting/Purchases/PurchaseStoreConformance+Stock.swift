internal import SeckillCore

extension PurchaseStoreConformance {
    static let stock: [Check] = [
        rule("whatever the stock decides is passed on, and counts", 100) { bench in
            let stock = bench.stock
            let token = try await bench.logIn(.alice)
            var calls = 0
            func decide(_ order: OrderID? = nil) async throws -> ReserveOutcome {
                let order = order ?? stock.order(epoch: 2, for: .alice)
                calls += 1
                guard case .decided(_, let outcome) = try await bench.purchases.purchase(order, for: .alice, in: token)
                else { throw Violation("not decided", #fileID, #line) }
                return outcome
            }
            try await stock.install(stock.terms(limit: 2), stock: 3, epoch: 2)
            let first = stock.order(epoch: 2, for: .alice)
            try expect(try await decide(first), equals: .reserved(sequence: 1), "the first")
            try expect(try await decide(first), equals: .alreadyReserved(sequence: 1), "the same again")
            try expect(try await decide(stock.order(epoch: 1, for: .alice)), equals: .stale, "an older epoch")
            try expect(try await decide(), equals: .reserved(sequence: 2), "the second")
            try expect(try await decide(), equals: .limitReached, "over the limit")
            try await stock.reserve(1, epoch: 2)
            let version = try await stock.snapshot().version
            try expect(try await decide(), equals: .soldOut(version: version), "nothing left")
            let later = stock.terms(opensIn: .seconds(60), revision: 2)
            try await stock.store.update(later)
            try expect(try await decide(), equals: .notOpen(opensAt: later.opensAt), "too early")
            for (revision, admission, outcome) in [(3, Admission.paused, ReserveOutcome.paused), (4, .closed, .closed)]
            {
                try await stock.store.update(stock.terms(admission: admission, revision: revision))
                try expect(try await decide(), equals: outcome, "\(admission)")
            }
            try await bench.expect(sold: 3, counted: calls, for: .alice)
        },
        rule("the session comes before the rate, and the rate before the stock", 1) { bench in
            try await bench.stock.install(bench.stock.terms(admission: .paused), stock: 10)
            let token = try await bench.logIn(.alice)
            _ = try await bench.buy(.alice, in: token)
            guard case .rateLimited = try await bench.buy(.alice, in: token) else {
                throw Violation("over the rate, at a paused sale", #fileID, #line)
            }
            guard case .anotherUser = try await bench.buy(.bob, in: token) else {
                throw Violation("another's session, over the rate", #fileID, #line)
            }
            try await bench.sessions.revoke(token)
            try expect(try await bench.buy(.alice, in: token), equals: .noSession, "no session, over the rate")
        },
        rule("a sale that is not installed is unavailable, to those who may ask", 2) { bench in
            let token = try await bench.logIn(.alice)
            for _ in 1...2 {
                try await expectError(.unavailable, from: "no sale") { try await bench.buy(.alice, in: token) }
            }
            guard case .rateLimited = try await bench.buy(.alice, in: token) else {
                throw Violation("over the rate, at no sale", #fileID, #line)
            }
            let revoked = try await bench.logIn(.bob)
            try await bench.sessions.revoke(revoked)
            try expect(try await bench.buy(.bob, in: revoked), equals: .noSession, "no session, at no sale")
        },
        rule("a sale that is distrusted sells nothing until it is installed again", 100) { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.alice)
            _ = try await bench.buy(.alice, in: token)
            try await bench.stock.store.distrust(.sample, epoch: 1)
            try await expectError(.unavailable, from: "distrusted") { try await bench.buy(.alice, in: token) }
            try await bench.stock.install(stock: 9, epoch: 2)
            let order = bench.stock.order(epoch: 2, for: .alice)
            let outcome = try await bench.purchases.purchase(order, for: .alice, in: token)
            guard case .decided(_, .reserved(sequence: 1)) = outcome else {
                throw Violation("the first of the next epoch: found \(outcome)", #fileID, #line)
            }
        },
    ]

    static let crowds: [Check] = [
        rule("a thousand buyers for a hundred units: a hundred get one", 5) { bench in
            try await bench.stock.install(bench.stock.terms(limit: 1), stock: 100)
            let answers = try await together(1000) { index in
                try await bench.buy(.number(index), in: try await bench.logIn(.number(index)))
            }
            var sequences: [Int] = []
            for case .decided(_, .reserved(let sequence)) in answers { sequences.append(sequence) }
            try expect(sequences.sorted(), equals: Array(1...100), "sequences")
            let entries = try await bench.stock.store.outbox.receive(1000, as: ConsumerID("worker"), wait: .zero)
            try expect(entries.count, equals: 100, "entries of the outbox")
        },
        rule("a hundred purchases of one user at once: as many as the rate allows are decided", 7) { bench in
            try await bench.stock.install(bench.stock.terms(limit: 100), stock: 100)
            let token = try await bench.logIn(.alice)
            let answers = try await together(100) { _ in try await bench.buy(.alice, in: token) }
            let decided = answers.filter { if case .decided = $0 { true } else { false } }
            try expect(decided.count, equals: 7, "decided")
            try await bench.expect(sold: 7, counted: 7, for: .alice)
        },
        rule("one order many times at once takes one unit", 100) { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.alice)
            let order = bench.stock.order(for: .alice)
            _ = try await together(50) { _ in try await bench.purchases.purchase(order, for: .alice, in: token) }
            try await bench.expect(sold: 1, counted: 50, for: .alice)
        },
    ]
}

internal import SeckillCore

extension StockStoreConformance {
    static let crowds: [Check] = [
        rule("a thousand buyers for one unit: one gets it") { bench in
            try await crowd(of: 1000, for: 1, on: bench)
        },
        rule("a thousand buyers for a hundred units: a hundred get one") { bench in
            try await crowd(of: 1000, for: 100, on: bench)
        },
        rule("five orders of everybody at once: nobody over the limit, and everybody gets what it allows") { bench in
            try await bench.install(bench.terms(limit: 2), stock: 1000)
            let outcomes = try await together(500) { index in try await bench.reserve(.number(index % 100)) }
            for user in 0..<100 {
                let own = stride(from: user, to: 500, by: 100).map { outcomes[$0] }
                try expect(own.filter { $0 == .limitReached }.count, equals: 3, "refusals of user \(user)")
            }
            try expect(try await bench.snapshot().remaining, equals: 800, "remaining")
        },
        rule("five orders of everybody at once for too few units: all are sold, nobody over the limit") { bench in
            try await bench.install(bench.terms(limit: 2), stock: 100)
            let outcomes = try await together(500) { index in try await bench.reserve(.number(index % 100)) }
            let sold = outcomes.indices.filter { if case .reserved = outcomes[$0] { true } else { false } }
            try expect(sold.count, equals: 100, "units sold")
            let most = Dictionary(grouping: sold) { $0 % 100 }.values.map(\.count).max()
            try expect(most.map { $0 <= 2 } ?? false, "\(most ?? 0) units of one user")
        },
        rule("one order many times at once takes one unit") { bench in
            try await bench.install(stock: 10)
            let order = bench.order(for: .alice)
            let outcomes = try await together(100) { _ in try await bench.store.reserve(order, for: .alice) }
            try expect(outcomes.filter { $0 == .reserved(sequence: 1) }.count, equals: 1, "reserved")
            try expect(outcomes.filter { $0 == .alreadyReserved(sequence: 1) }.count, equals: 99, "already reserved")
            let snapshot = try await bench.snapshot()
            try expect([snapshot.remaining, snapshot.pending], equals: [9, 1], "remaining and pending")
        },
        rule("one return many times at once is applied once") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 1)
            let order = bench.order(for: .alice)
            _ = try await bench.store.reserve(order, for: .alice)
            let unit = bench.unitReturn(of: order, for: .alice)
            let outcomes = try await together(50) { _ in try await bench.store.giveBack([unit, unit])[0] }
            try expect(outcomes.filter { $0 == .applied }.count, equals: 1, "applied")
            try expect(try await bench.snapshot().remaining, equals: 1, "remaining")
        },
        rule("units that are bought and given back at once are all there in the end") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 20)
            let kept = try await together(200) { index -> Int in
                let user = UserID.number(index)
                let order = bench.order(for: user)
                guard case .reserved = try await bench.store.reserve(order, for: user) else { return 0 }
                if index % 3 == 0 { return 1 }
                let unit = bench.unitReturn(of: order, for: user)
                try expect(try await bench.store.giveBack([unit]), equals: [.applied], "a return")
                return 0
            }
            let snapshot = try await bench.snapshot()
            try expect(snapshot.remaining, equals: 20 - kept.reduce(0, +), "remaining")
            try expect(snapshot.pending, equals: snapshot.sequence, "pending")
        },
    ]

    private static func crowd(of buyers: Int, for stock: Int, on bench: StockBench) async throws {
        try await bench.install(bench.terms(limit: 1), stock: stock)
        let outcomes = try await together(buyers) { try await bench.reserve(.number($0)) }
        var sequences: [Int] = []
        var refused = 0
        for outcome in outcomes {
            switch outcome {
            case .reserved(let sequence): sequences.append(sequence)
            case .soldOut: refused += 1
            default: throw Violation("found \(outcome)", #fileID, #line)
            }
        }
        try expect(sequences.sorted(), equals: Array(1...stock), "sequences")
        try expect(refused, equals: buyers - stock, "refused")
        let snapshot = try await bench.snapshot()
        try expect([snapshot.remaining, snapshot.pending], equals: [0, stock], "remaining and pending")
        let entries = try await bench.store.outbox.receive(buyers, as: ConsumerID("worker"), wait: .zero)
        try expect(entries.count, equals: stock, "entries of the outbox")
    }
}

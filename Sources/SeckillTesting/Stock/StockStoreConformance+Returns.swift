internal import SeckillCore

extension StockStoreConformance {
    static let returns: [Check] = [
        rule("a return puts units back on sale, once") { bench in
            try await bench.install(stock: 1)
            let order = bench.order(for: .alice)
            _ = try await bench.store.reserve(order, for: .alice)
            let unit = bench.unitReturn(of: order, for: .alice)
            try expect(try await bench.store.giveBack([unit]), equals: [.applied], "first")
            try expect(try await bench.reserve(.bob), equals: .reserved(sequence: 2), "sold again")
            for _ in 1...3 {
                try expect(try await bench.store.giveBack([unit]), equals: [.alreadyApplied], "repeated")
            }
            try expect(try await bench.snapshot().remaining, equals: 0, "remaining")
            guard case .soldOut = try await bench.reserve(.number(1)) else {
                throw Violation("the unit was sold twice", #fileID, #line)
            }
        },
        rule("there is one outcome per return, in order") { bench in
            try expect(try await bench.store.giveBack([]), equals: [], "no returns")
            try await bench.install(stock: 0, epoch: 2)
            let outcomes = try await bench.store.giveBack([
                bench.restock("a", units: 5, epoch: 2), bench.restock("b", units: 7, epoch: 1),
                bench.restock("a", units: 5, epoch: 2), bench.restock("c", units: 1, of: .other, epoch: 2),
                bench.restock("d", units: 2, epoch: 2),
            ])
            try expect(outcomes, equals: [.applied, .refused, .alreadyApplied, .refused, .applied], "outcomes")
            try expect(try await bench.snapshot().remaining, equals: 7, "remaining")
        },
        rule("a return of another epoch is refused, and stays to be made in its own") { bench in
            try await bench.install(stock: 0, epoch: 2)
            for epoch in [1, 3] {
                let outcome = try await bench.store.giveBack([bench.restock("r", units: 1, epoch: epoch)])
                try expect(outcome, equals: [.refused], "a return of epoch \(epoch)")
            }
            try expect(try await bench.snapshot().remaining, equals: 0, "remaining")
            let own = try await bench.store.giveBack([bench.restock("r", units: 1, epoch: 2)])
            try expect(own, equals: [.applied], "a return of epoch 2 by the same id")
        },
        rule("returns applied in one epoch say nothing about the next") { bench in
            try await bench.install(stock: 0)
            _ = try await bench.store.giveBack([bench.restock("r", units: 3)])
            try await bench.install(stock: 1, epoch: 2)
            try expect(try await bench.snapshot().remaining, equals: 1, "remaining")
            let late = try await bench.store.giveBack([bench.restock("r", units: 3)])
            try expect(late, equals: [.refused], "the old return again")
            let new = try await bench.store.giveBack([bench.restock("r", units: 3, epoch: 2)])
            try expect(new, equals: [.applied], "a return of the new epoch by the same id")
        },
        rule("a returned order frees its user's limit, a restock nobody's") { bench in
            try await bench.install(bench.terms(limit: 1), stock: 10)
            let order = bench.order(for: .alice)
            _ = try await bench.store.reserve(order, for: .alice)
            _ = try await bench.reserve(.bob)
            _ = try await bench.store.giveBack([bench.restock("r", units: 5)])
            try expect(try await bench.reserve(.alice), equals: .limitReached, "after a restock")
            let unit = bench.unitReturn(of: order, for: .alice)
            _ = try await bench.store.giveBack([unit])
            _ = try await bench.store.giveBack([unit])
            try expect(try await bench.reserve(.alice), equals: .reserved(sequence: 3), "after her return")
            try expect(try await bench.reserve(.alice), equals: .limitReached, "her second")
            try expect(try await bench.reserve(.bob), equals: .limitReached, "another's second")
        },
        rule("a return frees no more than its user holds") { bench in
            try await bench.install(bench.terms(limit: 2), stock: 10, held: [.alice: 1])
            for user in [UserID.alice, .bob] {
                for _ in 1...3 {
                    _ = try await bench.store.giveBack([bench.unitReturn(of: bench.order(for: user), for: user)])
                }
                for _ in 1...2 {
                    guard case .reserved = try await bench.reserve(user) else {
                        throw Violation("'\(user)' is kept from what the limit allows", #fileID, #line)
                    }
                }
                try expect(try await bench.reserve(user), equals: .limitReached, "the third of '\(user)'")
            }
        },
        rule("the restock version rises with every gain, never falls, and comes with sold out") { bench in
            try await bench.install(stock: 0)
            var versions = [try await bench.snapshot().version]
            for index in 0..<3 {
                let soldOut = try await bench.reserve(.alice)
                try expect(soldOut, equals: .soldOut(version: versions.last!), "sold out")
                _ = try await bench.store.giveBack([bench.restock("r\(index)", units: 1)])
                _ = try await bench.store.giveBack([bench.restock("r\(index)", units: 1)])
                versions.append(try await bench.snapshot().version)
                try expect(
                    try await bench.reserve(.number(index)),
                    equals: .reserved(sequence: index + 1),
                    "sold again"
                )
            }
            for epoch in 2...4 {
                try await bench.install(stock: 0, epoch: epoch)
                versions.append(try await bench.snapshot().version)
            }
            try expect(zip(versions, versions.dropFirst()).allSatisfy(<), "versions \(versions)")
        },
        rule("listeners hear of a gain") { bench in
            try await bench.install(stock: 0)
            let before = try await bench.snapshot().version
            let signals = bench.store.restocks()
            let heard = Locked<Restock?>(nil)
            let listener = Task {
                for await signal in signals where signal.sale == .sample { heard.withLock { $0 = signal } }
            }
            defer { listener.cancel() }
            // A signal may be missed, so there are many; and the listener may take its time on a slow machine.
            let end = SystemClock().uptime + .seconds(5)
            var turn = 0
            while heard.withLock({ $0 == nil }), SystemClock().uptime < end {
                turn += 1
                _ = try await bench.store.giveBack([bench.restock("r\(turn)", units: 1)])
                if turn > 100 { try await bench.time.pass(.milliseconds(1)) }
                if turn > 500 { try await SystemClock().sleep(for: .milliseconds(10)) }
                await Task.yield()
            }
            let signal = try require(heard.withLock { $0 }, "a signal, after \(turn) restocks")
            let now = try await bench.snapshot().version
            try expect(signal.version > before && signal.version <= now, "\(signal) between \(before) and \(now)")
        },
    ]
}

public import SeckillCore

/// The contract of ``SeckillCore/OrderSource`` as code, for the outbox of a stock store.
public struct OutboxConformance: ConformanceSuite {
    private let fresh: Fresh<any StockStore>

    /// A suite for the outboxes of stores that go by the clock they are given.
    /// - Parameter make: makes an empty store, a new one each time.
    public init(_ make: @escaping @Sendable (ManualClock) async throws -> any StockStore) { fresh = Fresh(make) }

    /// A suite for the outboxes of stores whose clock is elsewhere: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: shows the same time as the stores' clock, within milliseconds.
    ///   - make: makes an empty store, a new one each time.
    public init(clock: any SaleClock, _ make: @escaping @Sendable () async throws -> any StockStore) {
        fresh = Fresh(clock: clock, make)
    }

    /// Every rule of an outbox.
    public static var checks: [Check] {
        SourceRules.all.map { rule in
            Check(rule.name) { suite in
                let bench = try await suite.bench()
                try await bench.install(bench.terms(limit: 1000), stock: 10_000)
                try await rule.body(
                    SourceBench(source: bench.store.outbox, time: bench.time) { count in
                        try await bench.reserve(count)
                    }
                )
            }
        } + own
    }

    private func bench() async throws -> StockBench {
        let (store, time) = try await fresh.make()
        return StockBench(store: store, time: time)
    }

    private static func rule(
        _ rule: String,
        _ body: @escaping @Sendable (StockBench) async throws -> Void
    ) -> Check {
        Check(rule) { suite in try await body(try await suite.bench()) }
    }

    private static let worker = ConsumerID("worker")
    private static let own: [Check] = [
        rule("an outbox holds the orders of all sales") { bench in
            try await bench.install(bench.terms(of: .sample), stock: 5)
            try await bench.install(bench.terms(of: .other), stock: 5, epoch: 3)
            let here = try await bench.reserve(3)
            let there = try await bench.reserve(2, of: .other, epoch: 3)
            try expect(try await bench.store.outbox.depth().count, equals: 5, "depth")
            var found: [Delivery] = []
            for _ in 1...5 { found += try await bench.store.outbox.receive(2, as: worker, wait: .zero) }
            let received = found.reservations
            try expect(received.filter { $0.order.sale == .sample }, equals: here, "of one sale, in order")
            try expect(received.filter { $0.order.sale == .other }, equals: there, "of the other")
            try await bench.store.outbox.acknowledge(found)
            try expect(try await bench.store.outbox.depth().count, equals: 0, "depth when all are acknowledged")
        },
        rule("one sale's backlog does not keep another's orders waiting for ever") { bench in
            try await bench.install(bench.terms(of: .sample, limit: 1000), stock: 1000)
            try await bench.install(bench.terms(of: .other), stock: 5)
            try await bench.reserve(200)
            try await bench.reserve(1, of: .other)
            var sales: Set<SaleID> = []
            for _ in 1...10 {
                let batch = try await bench.store.outbox.receive(10, as: worker, wait: .zero)
                sales.formUnion(batch.reservations.map(\.order.sale))
                try await bench.store.outbox.acknowledge(batch)
                try await bench.reserve(10)
            }
            try expect(sales, equals: [.sample, .other], "sales served in ten batches of ten")
        },
        rule("of batches of one, every sale with a backlog gets its turn") { bench in
            for sale in [SaleID.sample, .other] {
                try await bench.install(bench.terms(of: sale, limit: 1000), stock: 1000)
                try await bench.reserve(30, of: sale)
            }
            var sales: Set<SaleID> = []
            for _ in 1...30 {
                let batch = try await bench.store.outbox.receive(1, as: worker, wait: .zero)
                sales.formUnion(batch.reservations.map(\.order.sale))
                try await bench.store.outbox.acknowledge(batch)
            }
            try expect(sales, equals: [.sample, .other], "sales served in thirty batches of one")
        },
        rule("of very many sales, each order is delivered, and those that come later as well") { bench in
            let sales = (0..<700).map { SaleID("sale-\($0)")! }
            for sale in sales { try await bench.install(bench.terms(of: sale), stock: 5) }
            try await bench.install(bench.terms(limit: 100), stock: 100)
            for round in 1...2 {
                // One of them has more than the others.
                var added = try await bench.reserve(20 * round)
                for sale in sales { added += try await bench.reserve(1, of: sale) }
                try expect(try await bench.store.outbox.depth().count, equals: added.count, "depth")
                var received: Set<Reservation> = []
                while true {
                    let batch = try await bench.store.outbox.receive(300, as: worker, wait: .zero)
                    if batch.isEmpty { break }
                    received.formUnion(batch.reservations)
                    try await bench.store.outbox.acknowledge(batch)
                }
                try expect(received, equals: Set(added), "received in round \(round)")
                try expect(try await bench.store.outbox.depth().count, equals: 0, "depth in the end")
            }
        },
        rule("what was acknowledged or put aside is not pending") { bench in
            try await bench.install(stock: 5)
            try await bench.reserve(3)
            let entries = try await bench.store.outbox.receive(3, as: worker, wait: .zero)
            try await bench.store.outbox.acknowledge([entries[0]])
            try await bench.store.outbox.deadLetter(entries[1], because: "a test")
            let snapshot = try await bench.snapshot()
            try expect([snapshot.remaining, snapshot.pending], equals: [2, 1], "remaining and pending")
            try await bench.store.distrust(.sample, epoch: 1)
            let drained = try await bench.claim(epoch: 1).1
            try expect(drained, equals: [entries[2]].reservations, "drained by a rebuild")
        },
        rule("a late acknowledgement of an epoch that is over hits no entry of the next") { bench in
            try await bench.install(stock: 5)
            try await bench.reserve(3)
            let old = try await bench.store.outbox.receive(3, as: worker, wait: .zero)
            try await bench.install(stock: 5, epoch: 2)
            let new = try await bench.reserve(3, epoch: 2)
            let held = try await bench.store.outbox.receive(2, as: worker, wait: .zero)
            try expect(held.reservations, equals: Array(new.prefix(2)), "entries of the new epoch")
            try await bench.store.outbox.acknowledge(old)
            try await bench.store.outbox.deadLetter(old[0], because: "a test")
            let depth = try await bench.store.outbox.depth()
            try expect([depth.count, depth.deadLettered], equals: [3, 0], "count and dead letters")
            try await bench.time.pass(TestTime.short)
            let rescued = try await bench.store.outbox.takeOver(
                9,
                idle: TestTime.short,
                as: ConsumerID("rescuer")
            )
            try expect(rescued.reservations, equals: Array(new.prefix(2)), "taken over")
            let rest = try await bench.store.outbox.receive(9, as: worker, wait: .zero)
            try expect(rest.reservations, equals: [new[2]], "received")
        },
        rule("an install leaves nothing of the old epoch to receive or take over") { bench in
            try await bench.install(stock: 5)
            try await bench.reserve(4)
            _ = try await bench.store.outbox.receive(2, as: worker, wait: .zero)
            try await bench.install(stock: 5, epoch: 2)
            let received = try await bench.store.outbox.receive(9, as: worker, wait: .zero)
            try await bench.time.pass(TestTime.short)
            let taken = try await bench.store.outbox.takeOver(9, idle: TestTime.short, as: ConsumerID("rescuer"))
            try expect((received + taken).reservations, equals: [], "entries")
        },
    ]
}

extension [Delivery] {
    var reservations: [Reservation] {
        compactMap { if case .reservation(let reservation) = $0.content { reservation } else { nil } }
    }
}

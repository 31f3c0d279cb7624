internal import SeckillCore

/// A fresh source and the way to put orders into it.
struct SourceBench: Sendable {
    let source: any OrderSource
    let time: TestTime
    /// Puts that many new orders in, and returns what a consumer is to get.
    let add: @Sendable (Int) async throws -> [Reservation]

    let alice = ConsumerID("alice")
    let bob = ConsumerID("bob")

    func receive(_ max: Int, as consumer: ConsumerID) async throws -> [Delivery] {
        try await source.receive(max, as: consumer, wait: .zero)
    }

    /// Nothing is waiting, held or redelivered any more.
    func expectEmpty() async throws {
        let depth = try await source.depth()
        try expect([depth.count, Int(depth.age.components.seconds)], equals: [0, 0], "depth")
        let rescuer = ConsumerID("rescuer")
        try expect(try await receive(100, as: rescuer), equals: [], "received")
        try await time.pass(TestTime.short)
        let taken = try await source.takeOver(100, idle: TestTime.short, as: rescuer)
        try expect(taken, equals: [], "taken over")
    }
}

/// What holds for every ``SeckillCore/OrderSource``, outbox or queue.
struct SourceRules {
    let name: String
    let body: @Sendable (SourceBench) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (SourceBench) async throws -> Void) {
        self.name = name
        self.body = body
    }

    static var all: [SourceRules] { delivery + settling + takeOver }

    private static let delivery = [
        SourceRules("orders come in order, at most as many as asked for, as they were reserved") { bench in
            let added = try await bench.add(5)
            let first = try await bench.receive(2, as: bench.alice)
            try expect(first.reservations, equals: Array(added[0...1]), "the first two")
            try expect(first.map(\.count), equals: [1, 1], "deliveries so far")
            let rest = try await bench.receive(100, as: bench.alice)
            try expect(rest.reservations, equals: Array(added[2...4]), "the rest")
            try expect(Set((first + rest).map(\.receipt)).count, equals: 5, "receipts")
        },
        SourceRules("what one consumer holds no other receives") { bench in
            let added = try await bench.add(3)
            _ = try await bench.receive(2, as: bench.alice)
            let others = try await bench.receive(9, as: bench.bob)
            try expect(others.reservations, equals: [added[2]], "what is left for another")
            try expect(try await bench.receive(9, as: bench.alice), equals: [], "again")
        },
        SourceRules("consumers that receive at once share, each order for one of them") { bench in
            let added = try await bench.add(300)
            let shares = try await together(10) { index in
                var own: [Delivery] = []
                while true {
                    let batch = try await bench.receive(7, as: ConsumerID("consumer-\(index)"))
                    if batch.isEmpty { return own.reservations }
                    own += batch
                }
            }
            let received = shares.flatMap(\.self)
            try expect(received.count, equals: 300, "deliveries")
            try expect(Set(received), equals: Set(added), "orders")
        },
        SourceRules("an empty source returns none: at once, or when the wait is over") { bench in
            let start = bench.time.clock.uptime
            try expect(try await bench.receive(5, as: bench.alice), equals: [], "without a wait")
            if bench.time.manual != nil {
                try expect(bench.time.since(start), equals: .zero, "time that passed without a wait")
            }
            let short = TestTime.short
            let none = try await bench.time.run {
                try await bench.source.receive(5, as: bench.alice, wait: short)
            }
            try expect(none, equals: [], "with a wait")
            if bench.time.manual != nil {
                try expect(bench.time.since(start) <= short, "waited for \(bench.time.since(start))")
            }
        },
        SourceRules("an arrival ends the wait") { bench in
            let start = bench.time.clock.uptime
            let waiting = Task { try await bench.source.receive(5, as: bench.alice, wait: .seconds(60)) }
            try await bench.time.letWait()
            let added = try await bench.add(1)
            // A consumer may be told that there is nothing, and must then find it when it asks again.
            let found = try await bench.time.creep(until: waiting)
            let later = try await bench.receive(5, as: bench.alice)
            try expect((found + later).reservations, equals: added, "received")
            try expect(bench.time.since(start) < .seconds(30), "waited for \(bench.time.since(start))")
        },
        SourceRules("a cancelled consumer holds nothing") { bench in
            for round in 0..<40 {
                let waiting = Task { try await bench.source.receive(5, as: bench.alice, wait: .seconds(60)) }
                if round % 4 > 1 { try await bench.time.letWait() }
                if round % 2 == 0 { waiting.cancel() }
                let added = try await bench.add(1)
                waiting.cancel()
                var received: [Delivery] = []
                do { received = try await waiting.value } catch is CancellationError {}
                if received.isEmpty {
                    let next = Task { try await bench.source.receive(5, as: bench.bob, wait: .seconds(2)) }
                    received = try await bench.time.creep(until: next)
                }
                try expect(received.reservations, equals: added, "received by the one or the other")
                try await bench.source.acknowledge(received)
            }
        },
    ]

    private static let settling = [
        SourceRules("acknowledged orders are gone for good, however often it is said") { bench in
            _ = try await bench.add(3)
            let held = try await bench.receive(3, as: bench.alice)
            try await bench.source.acknowledge([])
            for _ in 1...2 { try await bench.source.acknowledge([held[0], held[2]]) }
            try expect(try await bench.source.depth().count, equals: 1, "depth")
            try await bench.source.acknowledge(held + held)
            try await bench.expectEmpty()
        },
        SourceRules("acknowledging one order leaves the others") { bench in
            let added = try await bench.add(4)
            let held = try await bench.receive(3, as: bench.alice)
            try await bench.source.acknowledge([held[1]])
            try await bench.source.acknowledge([held[1]])
            try await bench.time.pass(TestTime.short)
            let others = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.bob)
            try expect(others.reservations, equals: [added[0], added[2]], "still held")
            try expect(try await bench.receive(9, as: bench.bob).reservations, equals: [added[3]], "still waiting")
        },
        SourceRules("a dead letter is moved aside, once, and not delivered again") { bench in
            let added = try await bench.add(3)
            let held = try await bench.receive(3, as: bench.alice)
            for _ in 1...2 {
                try await bench.source.deadLetter(held[1], because: "it cannot be recorded: \"'{}\u{1F4A5}")
            }
            var depth = try await bench.source.depth()
            try expect([depth.count, depth.deadLettered], equals: [2, 1], "count and dead letters")
            try await bench.time.pass(TestTime.short)
            let taken = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.bob)
            try expect(taken.reservations, equals: [added[0], added[2]], "taken over")
            try await bench.source.acknowledge(held)
            depth = try await bench.source.depth()
            try expect([depth.count, depth.deadLettered], equals: [0, 1], "when the others are acknowledged")
            try await bench.expectEmpty()
        },
        SourceRules("the depth counts what waits and what is held, and tells the age of the oldest") { bench in
            let source = bench.source
            let empty = QueueDepth(count: 0, age: .zero, deadLettered: 0)
            try expect(try await source.depth(), equals: empty, "at first")
            _ = try await bench.add(1)
            try await bench.time.pass(TestTime.short)
            _ = try await bench.add(2)
            try await bench.time.pass(TestTime.short)
            let held = try await bench.receive(2, as: bench.alice)
            let start = bench.time.clock.uptime
            let depth = try await source.depth()
            try expect(depth.count, equals: 3, "count")
            try expect(depth.age >= TestTime.short * 2, "age \(depth.age), after twice \(TestTime.short)")
            try await source.acknowledge([held[0]])
            let younger = try await source.depth()
            try expect(younger.count, equals: 2, "count without the oldest")
            let most = depth.age - TestTime.short + bench.time.since(start)
            try expect(younger.age <= most, "age \(younger.age) without the oldest, \(depth.age) with it")
            if bench.time.manual != nil {
                try expect(depth.age, equals: TestTime.short * 2, "age, exactly")
                try expect(younger.age, equals: TestTime.short, "age without the oldest, exactly")
            }
        },
    ]
}

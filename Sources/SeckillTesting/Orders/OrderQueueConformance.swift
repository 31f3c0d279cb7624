public import SeckillCore

/// The contract of ``SeckillCore/OrderQueue``, and of ``SeckillCore/OrderSource`` below it, as code.
public struct OrderQueueConformance: ConformanceSuite {
    private let fresh: Fresh<any OrderQueue>

    /// A suite for queues that go by the clock they are given.
    /// - Parameter make: makes an empty queue, a new one each time.
    public init(_ make: @escaping @Sendable (ManualClock) async throws -> any OrderQueue) { fresh = Fresh(make) }

    /// A suite for queues whose clock is elsewhere, such as in a broker: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: shows the same time as the queues' clock, within milliseconds.
    ///   - make: makes an empty queue, a new one each time.
    public init(clock: any SaleClock, _ make: @escaping @Sendable () async throws -> any OrderQueue) {
        fresh = Fresh(clock: clock, make)
    }

    /// Every rule of a queue.
    public static var checks: [Check] {
        SourceRules.all.map { rule in
            Check(rule.name) { suite in
                let (queue, time) = try await suite.fresh.make()
                let relay = Relay()
                try await rule.body(
                    SourceBench(source: queue, time: time) { count in
                        let reservations = relay.next(count)
                        try await queue.append(reservations)
                        return reservations
                    }
                )
            }
        } + own
    }

    /// What a relay would bring from an outbox.
    private struct Relay: Sendable {
        private let samples = Samples()
        private let sequence = Locked(0)

        func next(_ count: Int) -> [Reservation] {
            (0..<count).map { _ in
                let number = sequence.withLock { sequence in
                    sequence += 1
                    return sequence
                }
                let user = UserID.odd[number % UserID.odd.count]
                let order = samples.order(for: user)
                return Reservation(order: order, user: user, sequence: number, reservedAt: .start)
            }
        }
    }

    private static let own: [Check] = [
        Check("what is appended at once by several relays is all there, each batch in order") { suite in
            let (queue, _) = try await suite.fresh.make()
            let relay = Relay()
            let batches = try await together(20) { _ in
                let batch = relay.next(10)
                try await queue.append(batch)
                return batch
            }
            try await queue.append([])
            let received = try await queue.receive(500, as: ConsumerID("worker"), wait: .zero).reservations
            try expect(received.count, equals: 200, "entries")
            for batch in batches {
                let orders = Set(batch.map(\.order))
                try expect(received.filter { orders.contains($0.order) }, equals: batch, "one relay's batch")
            }
        },
        Check("a repeated append is seen at least once, and loses nothing") { suite in
            let (queue, _) = try await suite.fresh.make()
            let batch = Relay().next(3)
            try await queue.append(batch)
            try await queue.append(batch)
            let received = try await queue.receive(10, as: ConsumerID("worker"), wait: .zero)
            try expect(Set(received.reservations), equals: Set(batch), "entries")
            try await queue.acknowledge(received)
            try expect(try await queue.depth().count, equals: 0, "depth")
        },
    ]
}

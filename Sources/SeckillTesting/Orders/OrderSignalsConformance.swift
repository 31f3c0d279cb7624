public import SeckillCore

/// The contract of ``SeckillCore/OrderSignals`` as code, on two nodes of one shop.
///
/// Checks wait for real until something is heard, and send it again until it is: signals may be lost.
public struct OrderSignalsConformance: ConformanceSuite {
    private let make: @Sendable () async throws -> (any OrderSignals, any OrderSignals)

    /// A suite for signals.
    /// - Parameter make: makes the signals of two nodes that share nothing with those made before.
    public init(_ make: @escaping @Sendable () async throws -> (any OrderSignals, any OrderSignals)) {
        self.make = make
    }

    /// Every rule of signals.
    public static var checks: [Check] {
        [
            Check("a user's orders are told on every node, as they are, and to nobody else") { suite in
                let (a, b) = try await suite.make()
                for user in UserID.odd + [.alice] {
                    let orders = samples(of: user)
                    let listeners = [Listener(a.orders(of: user)), Listener(b.orders(of: user))]
                    let other = Listener(b.orders(of: .bob))
                    try await other.hears(Set(samples(of: .bob)), of: a, sending: samples(of: .bob))
                    for listener in listeners { try await listener.hears(Set(orders), of: a, sending: orders) }
                    try expect(other.heard.filter { $0.user != .bob }, equals: [], "what another user hears")
                }
            },
            Check("orders of a sale are told when they are recorded, and not again") { suite in
                let (a, b) = try await suite.make()
                let listeners = [Listener(a.recordedOrders(of: .sample)), Listener(b.recordedOrders(of: .sample))]
                let orders = samples(of: .alice) + samples(of: .bob, in: .other) + samples(of: .bob, epoch: 7)
                let expected = Set(
                    [(.alice, 1), (.bob, 7)].map { (user: UserID, epoch: Int) in
                        let recorded = samples(of: user, epoch: epoch).filter {
                            $0.status == .awaitingPayment || $0.status == .rejected
                        }
                        return RecordedKeys(sale: .sample, epoch: epoch, keys: recorded.map(\.id.key))
                    }
                )
                for listener in listeners { try await listener.hears(expected, of: a, sending: orders) }
                for listener in listeners {
                    try expect(Set(listener.heard), equals: expected, "heard of one sale")
                }
            },
            Check("one who has stopped to listen hears nothing, and one who listens again does") { suite in
                let (a, b) = try await suite.make()
                let orders = samples(of: .alice)
                let other = Listener(b.orders(of: .bob))
                for _ in 1...3 {
                    let listener = Listener(b.orders(of: .alice))
                    try await listener.hears(Set(orders), of: a, sending: orders)
                    listener.stop()
                    let before = listener.heard.count
                    try await other.hears(Set(samples(of: .bob)), of: a, sending: orders + samples(of: .bob))
                    try expect(listener.heard.count, equals: before, "heard after the end")
                }
            },
            Check("of many users and many orders, each hears its own") { suite in
                let (a, b) = try await suite.make()
                let users = (0..<1200).map(UserID.number)
                let listeners = users.map { Listener(b.orders(of: $0)) }
                let orders = users.flatMap { samples(of: $0) }
                for (user, listener) in zip(users, listeners) {
                    try await listener.hears(Set(samples(of: user)), of: a, sending: orders)
                }
                for (user, listener) in zip(users, listeners) {
                    try expect(Set(listener.heard), equals: Set(samples(of: user)), "heard of one user")
                }
            },
        ]
    }

    /// One order in each status.
    private static func samples(of user: UserID, in sale: SaleID = .sample, epoch: Int = 1) -> [Order] {
        let source = Samples()
        return OrderStatus.allCases.enumerated().map { index, status in
            Order(
                id: source.order(sale, epoch: epoch, for: user),
                user: user,
                status: status,
                sequence: index,
                payBy: status == .awaitingPayment ? .start : nil,
                reason: status == .rejected ? .limitReached : nil
            )
        }
    }
}

/// Notes what comes of a stream.
private final class Listener<Element: Hashable & Sendable>: Sendable {
    private let elements = Locked<[Element]>([])
    private let task: Task<Void, Never>

    init(_ stream: AsyncStream<Element>) {
        task = Task { [elements] in for await element in stream { elements.withLock { $0.append(element) } } }
    }

    deinit { task.cancel() }

    var heard: [Element] { elements.withLock { $0 } }

    func stop() { task.cancel() }

    /// Has orders sent until all of `expected` is heard.
    func hears(_ expected: Set<Element>, of signals: any OrderSignals, sending orders: [Order]) async throws {
        let clock = SystemClock()
        let end = clock.uptime + .seconds(10)
        var pause = Duration.milliseconds(2)
        while !expected.isSubset(of: heard) {
            try expect(clock.uptime < end, "not heard within 10 s: \(expected.subtracting(heard))")
            try await signals.send(orders)
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
    }
}

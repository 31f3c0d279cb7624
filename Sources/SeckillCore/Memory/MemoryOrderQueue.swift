/// A queue in this process, for tests and for pieces that expect a broker.
public final class MemoryOrderQueue: OrderQueue {
    private let clock: any SaleClock
    private let limit: Int
    private let backlog = Locked(OrderBacklog())
    private let arrivals = Bell()

    /// An empty queue that holds at most `limit` entries.
    public init(clock: any SaleClock = .system, limit: Int = 1_000_000) {
        self.clock = clock
        self.limit = limit
    }

    /// All or none: `overloaded` if they would not all fit.
    public func append(_ reservations: [Reservation]) async throws {
        let now = clock.uptime
        try backlog.withLock { backlog throws(SeckillError) in
            guard backlog.count + reservations.count <= limit else {
                throw SeckillError(.overloaded, "the queue is full at \(limit) entries; try again when it is shorter")
            }
            for reservation in reservations { backlog.append(reservation, at: now) }
        }
        arrivals.ring()
    }

    /// In order of arrival.
    public func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try Task.checkCancellation()
        let deliveries = backlog.withLock { $0.receive(max, at: clock.uptime) }
        guard deliveries.isEmpty, wait > .zero else { return deliveries }
        try await arrivals.wait(upTo: wait, by: clock) { backlog.withLock { $0.hasWaiting } }
        return backlog.withLock { $0.receive(max, at: clock.uptime) }
    }

    /// Removes entries.
    public func acknowledge(_ deliveries: [Delivery]) async throws {
        backlog.withLock { backlog in
            for delivery in deliveries { backlog.acknowledge(delivery.receipt) }
        }
    }

    /// Oldest first.
    public func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        backlog.withLock { $0.takeOver(max, idle: idle, at: clock.uptime) }
    }

    /// Puts an entry aside.
    public func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        backlog.withLock { $0.putAside(delivery.receipt) }
    }

    /// As of now.
    public func depth() async throws -> QueueDepth { backlog.withLock { $0.depth(at: clock.uptime) } }
}

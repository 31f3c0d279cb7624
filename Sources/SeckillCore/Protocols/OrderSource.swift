/// Where a worker takes reservations from: the outbox of a stock store, or a broker's queue.
///
/// **Delivery** is at least once: what is received and not acknowledged within ``takeOver(_:idle:as:)``'s time goes to
/// whoever takes it over, and a consumer that comes back from the dead may then hold what another has recorded.
/// Recording is idempotent, so that is harmless. **Order**: by sequence within a sale as long as nothing is taken over; no
/// sale waits for another's backlog to end.
/// **Errors**: `unavailable`, with nothing received or acknowledged, or `outcomeUnknown`; both are safe to repeat.
public protocol OrderSource: Sendable {
    /// Up to `max` entries that no consumer holds. Waits up to `wait` for the first one; may return none.
    /// A cancelled caller gets `CancellationError` and holds nothing.
    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery]

    /// Removes entries for good. Idempotent; entries that are gone, or of an epoch that is over, are passed over.
    /// Call it only after what they say is in the ledger.
    func acknowledge(_ deliveries: [Delivery]) async throws

    /// Up to `max` entries that a consumer, `consumer` itself included, has held for `idle` or longer, now held by
    /// `consumer`, and counted as delivered once more.
    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery]

    /// Moves an entry aside for a person to look at. Idempotent. Call it only after its rejection is in the ledger.
    func deadLetter(_ delivery: Delivery, because reason: String) async throws

    /// How much is waiting or held, and for how long.
    func depth() async throws -> QueueDepth
}

/// An ``OrderSource`` that a relay can feed: a broker. A stock store's outbox is never one, for nothing may append to
/// it but a reservation.
public protocol OrderQueue: OrderSource {
    /// Appends in order, all or none as far as the broker can; returns once it has confirmed them.
    /// May be repeated after `outcomeUnknown`: consumers see duplicates, and recording is idempotent.
    func append(_ reservations: [Reservation]) async throws
}

/// Names one consumer. Two that run at once must differ; one that restarts should keep its name.
public struct ConsumerID: Hashable, Sendable {
    /// 1 to 64 characters.
    public var text: String

    /// A consumer's name.
    public init(_ text: String) { self.text = text }
}

/// One entry handed to a consumer.
public struct Delivery: Hashable, Sendable {
    /// What an entry holds.
    public enum Content: Hashable, Sendable {
        /// As it was reserved.
        case reservation(Reservation)
        /// Bytes that are no reservation, described for a person. Dead-letter it.
        case unreadable(String)
    }

    /// How the source finds the entry again.
    public var receipt: String
    /// What it says.
    public var content: Content
    /// How many times it has been delivered, this one included.
    public var count: Int

    /// A delivery.
    public init(receipt: String, content: Content, count: Int) {
        self.receipt = receipt
        self.content = content
        self.count = count
    }
}

/// How much a source still holds.
public struct QueueDepth: Hashable, Sendable {
    /// Entries not yet acknowledged, dead letters not among them.
    public var count: Int
    /// How long the oldest of them has been there, by the source's clock; zero if there is none.
    public var age: Duration
    /// Entries moved aside.
    public var deadLettered: Int

    /// A depth.
    public init(count: Int, age: Duration, deadLettered: Int) {
        self.count = count
        self.age = age
        self.deadLettered = deadLettered
    }
}

internal import DequeModule

/// The entries of one queue: waiting, held by some consumer, or put aside. A plain value; whoever owns it locks it.
package struct OrderBacklog: Sendable {
    private struct Entry: Sendable {
        var id: Int
        var reservation: Reservation
        var arrivedAt: Duration
        var deliveries = 0
    }

    private struct Held: Sendable {
        var entry: Entry
        var since: Duration
    }

    private var nextID = 1
    private var waiting: Deque<Entry> = []
    private var held: [Int: Held] = [:]
    private var aside: Set<Int> = []

    package init() {}

    /// Entries not yet acknowledged.
    package var count: Int { waiting.count + held.count }
    /// Whether a consumer would get anything now.
    package var hasWaiting: Bool { !waiting.isEmpty }

    package mutating func append(_ reservation: Reservation, at now: Duration) {
        waiting.append(Entry(id: nextID, reservation: reservation, arrivedAt: now))
        nextID += 1
    }

    package mutating func receive(_ max: Int, at now: Duration) -> [Delivery] {
        let taken = min(max, waiting.count)
        defer { waiting.removeFirst(taken) }
        return waiting.prefix(taken).map { hand($0, at: now) }
    }

    package mutating func takeOver(_ max: Int, idle: Duration, at now: Duration) -> [Delivery] {
        let idling = held.values.filter { now - $0.since >= idle }
        return idling.map(\.entry).sorted { $0.id < $1.id }.prefix(max).map { hand($0, at: now) }
    }

    package mutating func acknowledge(_ receipt: String) {
        if let id = Int(receipt) { held[id] = nil }
    }

    package mutating func putAside(_ receipt: String) {
        guard let id = Int(receipt), held.removeValue(forKey: id) != nil else { return }
        aside.insert(id)
    }

    package func depth(at now: Duration) -> QueueDepth {
        let oldestHeld = held.values.map(\.entry.arrivedAt).min()
        let oldest = [waiting.first?.arrivedAt, oldestHeld].compactMap(\.self).min()
        return QueueDepth(count: count, age: oldest.map { now - $0 } ?? .zero, deadLettered: aside.count)
    }

    /// Every entry not yet acknowledged, oldest first; they stay.
    package var reservations: [Reservation] {
        (held.values.map(\.entry) + waiting).sorted { $0.id < $1.id }.map(\.reservation)
    }

    private mutating func hand(_ entry: Entry, at now: Duration) -> Delivery {
        var entry = entry
        entry.deliveries += 1
        held[entry.id] = Held(entry: entry, since: now)
        return Delivery(
            receipt: String(entry.id),
            content: .reservation(entry.reservation),
            count: entry.deliveries
        )
    }
}

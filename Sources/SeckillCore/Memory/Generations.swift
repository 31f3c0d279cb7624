/// A map that forgets what has not been touched for a lifetime. An entry lives for at least one lifetime after its last
/// touch and at most two.
///
/// It consists of parts, each of two generations of which the older is dropped whole. **Cost**: a call works on one part,
/// a 256th of the map, and so drops at most that; the map forgets by and by as it is used.
package struct Generations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Partition: Sendable {
        /// The lifetime, counted from the clock's beginning, in which `young` was touched.
        var generation = 0
        var young: [Key: Value] = [:]
        var old: [Key: Value] = [:]

        var count: Int { young.count + old.count }

        /// By when an entry is dropped depends on the time alone, not on which part it is in.
        mutating func age(to now: Int) {
            guard now > generation else { return }
            old = now == generation + 1 ? young : [:]
            young = [:]
            generation = now
        }
    }

    private typealias Partitions = PartitionedDictionary<Key, Value>

    private let lifetime: Duration
    private var partitions = ContiguousArray(repeating: Partition(), count: Partitions.partitionCount)
    /// The part that ``makeRoom(at:)`` looks at next.
    private var next = 0
    package private(set) var count = 0

    package init(lifetime: Duration) { self.lifetime = lifetime }

    /// The value of a key. Reading does not touch it.
    package mutating func value(for key: Key, at now: Duration) -> Value? {
        withPartition(Partitions.partition(of: key), at: now) { $0.young[key] ?? $0.old[key] }
    }

    /// Sets the value of a key, or removes it, and touches it. `now` never goes back.
    package mutating func set(_ value: Value?, for key: Key, at now: Duration) {
        withPartition(Partitions.partition(of: key), at: now) { partition in
            partition.old[key] = nil
            partition.young[key] = value
        }
    }

    /// Drops entries that are old enough from the first part that has any. False if none has.
    package mutating func makeRoom(at now: Duration) -> Bool {
        let before = count
        for _ in partitions.indices where count == before {
            withPartition(next, at: now) { _ in }
            next = (next + 1) % partitions.count
        }
        return count < before
    }

    /// Entries of the largest part: what a call works on at most.
    var largestPartition: Int { partitions.map(\.count).max() ?? 0 }

    @discardableResult
    private mutating func withPartition<Result>(
        _ index: Int,
        at now: Duration,
        _ body: (inout Partition) -> Result
    ) -> Result {
        let before = partitions[index].count
        defer { count += partitions[index].count - before }
        partitions[index].age(to: Int(now / lifetime))
        return body(&partitions[index])
    }
}

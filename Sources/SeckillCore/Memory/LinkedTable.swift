/// A map whose entries form a row: what is added goes to its end, and so does what is moved there. So the entry that was
/// added or moved longest ago is known without a search.
///
/// **Cost**: constant for every call. Nothing is ever moved or hashed again but a 256th of the keys at a time, and a copy
/// that is written to copies a piece at a time.
package struct LinkedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Node: Sendable {
        /// Nil where the place is free.
        var entry: (key: Key, value: Value)?
        var previous: Int32
        /// The next of the row, or of the free places.
        var next: Int32
    }

    private static var none: Int32 { -1 }

    private var places = PartitionedDictionary<Key, Int32>()
    private var nodes = Chunked<Node>()
    private var head = none
    private var tail = none
    private var free = none

    package init() {}

    package var count: Int { places.count }

    /// The entry that was added or moved to the end longest ago.
    package var first: (key: Key, value: Value)? { head == Self.none ? nil : nodes[Int(head)].entry }

    /// The value of a key. A new key goes to the end of the row; a new value leaves its key where it is.
    package subscript(key: Key) -> Value? {
        get { places[key].flatMap { nodes[Int($0)].entry?.value } }
        set {
            switch (places[key], newValue) {
            case (let place?, let value?): nodes[Int(place)].entry?.value = value
            case (let place?, nil): remove(key, at: place)
            case (nil, let value?): add(key, value)
            case (nil, nil): break
            }
        }
    }

    /// Moves a key to the end of the row, if it is there.
    package mutating func moveToEnd(_ key: Key) {
        guard let place = places[key], place != tail else { return }
        unlink(place)
        link(place)
    }

    /// Calls `body` with each entry, in the order of the row.
    package func forEach(_ body: (Key, Value) -> Void) {
        var place = head
        while place != Self.none {
            let node = nodes[Int(place)]
            if let entry = node.entry { body(entry.key, entry.value) }
            place = node.next
        }
    }

    private mutating func add(_ key: Key, _ value: Value) {
        let place: Int32
        if free == Self.none {
            place = Int32(nodes.count)
            nodes.append(Node(entry: (key, value), previous: Self.none, next: Self.none))
        } else {
            place = free
            free = nodes[Int(place)].next
            nodes[Int(place)].entry = (key, value)
        }
        places[key] = place
        link(place)
    }

    private mutating func remove(_ key: Key, at place: Int32) {
        unlink(place)
        places[key] = nil
        nodes[Int(place)].entry = nil
        nodes[Int(place)].next = free
        free = place
    }

    private mutating func link(_ place: Int32) {
        nodes[Int(place)].previous = tail
        nodes[Int(place)].next = Self.none
        if tail == Self.none { head = place } else { nodes[Int(tail)].next = place }
        tail = place
    }

    private mutating func unlink(_ place: Int32) {
        let (previous, next) = (nodes[Int(place)].previous, nodes[Int(place)].next)
        if previous == Self.none { head = next } else { nodes[Int(previous)].next = next }
        if next == Self.none { tail = previous } else { nodes[Int(next)].previous = previous }
    }
}

/// Byte strings one behind the other, numbered from 0 as they came: eight bytes each beside their own.
package struct ByteStrings: Sendable {
    private struct Place: Sendable {
        var page: UInt32
        var offset: UInt16
        var count: UInt16
    }

    private static var pageSize: Int { 1 << 16 }
    private var pages: ContiguousArray<ContiguousArray<UInt8>> = []
    private var places = Chunked<Place>()

    package init() {}

    package var count: Int { places.count }

    /// Adds a string of less than 64 KiB.
    package mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        // An offset is at most 64 KiB less one.
        if pages.isEmpty || pages[pages.count - 1].count + bytes.count >= Self.pageSize { pages.append([]) }
        let page = pages.count - 1
        places.append(
            Place(page: UInt32(page), offset: UInt16(pages[page].count), count: UInt16(bytes.count))
        )
        pages[page].append(contentsOf: bytes)
    }

    package func withBytes<Result>(of number: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let place = places[number]
        return pages[Int(place.page)].withUnsafeBufferPointer { page in
            body(UnsafeBufferPointer(rebasing: page[Int(place.offset)..<Int(place.offset) + Int(place.count)]))
        }
    }

    package func text(of number: Int) -> String { withBytes(of: number) { String(decoding: $0, as: UTF8.self) } }
}

/// Byte strings that can be found: an index of 64-bit slots, half of it a hash and half a number.
///
/// The slots lie in segments of bounded size, found through a directory by the first bits of the hash (extendible
/// hashing; Fagin et al., "Extendible Hashing: A Fast Access Method for Dynamic Files", 1979). Within a segment it is
/// open addressing with linear probing (Knuth, The Art of Computer Programming 3, section 6.4). So growing moves the
/// entries of one segment, however many there are in all.
///
/// A dictionary of strings would cost an allocation each, and hash all of them again whenever it grows. This one costs
/// 24 to 40 bytes a string beside its own, and growing reads no string.
package struct ByteTable: Sendable {
    private struct Segment: Sendable {
        /// 0, or the upper half of the hash above the number plus one. A power of two, at least twice as many as are
        /// in use.
        var slots: ContiguousArray<UInt64>
        var used = 0
        /// How many bits of the hash all entries have in common.
        var depth: Int

        init(slots: Int, depth: Int) {
            self.slots = ContiguousArray(repeating: 0, count: slots)
            self.depth = depth
        }

        /// Where the search for an entry of this hash begins: by the bits behind those of the largest directory.
        func start(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1) }

        mutating func place(_ entry: UInt64) {
            var slot = start(of: entry)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = entry
            used += 1
        }
    }

    /// The most slots of a segment, and so a bound on what one insertion moves: half of it.
    package static var segmentSize: Int { 1 << 12 }
    /// Entries agree in so many bits only if the hash is a bad one; a segment grows then, as the last resort.
    private static var maxDepth: Int { 20 }

    package private(set) var strings = ByteStrings()
    private var segments: ContiguousArray<Segment> = [Segment(slots: 2, depth: 0)]
    /// The segment of each value of the first `depth` bits of the hash.
    private var directory: ContiguousArray<UInt32> = [0]
    private var depth = 0

    package init() {}

    package var count: Int { strings.count }
    /// Slots of the largest segment.
    var largestSegment: Int { segments.map(\.slots.count).max() ?? 0 }

    /// The number of a string; `hash` must be the one that it was inserted with.
    package func number(of bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
        let segment = segment(of: hash)
        let mask = segments[segment].slots.count - 1
        let tag = hash >> 32
        var slot = segments[segment].start(of: hash)
        while true {
            let entry = segments[segment].slots[slot]
            if entry == 0 { return nil }
            if entry >> 32 == tag {
                let number = Int(entry & 0xFFFF_FFFF) - 1
                if strings.withBytes(of: number, { $0.count == bytes.count && $0.elementsEqual(bytes) }) {
                    return number
                }
            }
            slot = (slot + 1) & mask
        }
    }

    /// Adds a string that is not in the table, and returns its number. The upper half of `hash` must be a good one.
    @discardableResult
    package mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
        strings.append(bytes)
        while true {
            let segment = segment(of: hash)
            if (segments[segment].used + 1) * 2 <= segments[segment].slots.count {
                segments[segment].place(hash & 0xFFFF_FFFF_0000_0000 | UInt64(strings.count))
                return strings.count - 1
            }
            if segments[segment].slots.count < Self.segmentSize || segments[segment].depth == Self.maxDepth {
                grow(segment)
            } else {
                split(segment, of: hash)
            }
        }
    }

    private func segment(of hash: UInt64) -> Int {
        // A shift by all 64 bits gives 0.
        Int(directory[Int(truncatingIfNeeded: hash >> UInt64(64 - depth))])
    }

    private mutating func grow(_ index: Int) {
        let old = segments[index]
        segments[index] = Segment(slots: old.slots.count * 2, depth: old.depth)
        for entry in old.slots where entry != 0 { segments[index].place(entry) }
    }

    /// Distributes the entries of a segment, which is that of `hash`, over two, by the next bit of their hash.
    private mutating func split(_ index: Int, of hash: UInt64) {
        let old = segments[index]
        if old.depth == depth {
            directory = ContiguousArray(unsafeUninitializedCapacity: directory.count * 2) { doubled, count in
                count = directory.count * 2
                for place in 0..<count { doubled.initializeElement(at: place, to: directory[place / 2]) }
            }
            depth += 1
        }
        let sibling = segments.count
        segments[index] = Segment(slots: old.slots.count, depth: old.depth + 1)
        segments.append(Segment(slots: old.slots.count, depth: old.depth + 1))
        // The segment's places in the directory are neighbours, and the upper half of them becomes the sibling's.
        let places = 1 << (depth - old.depth)
        let first = Int(truncatingIfNeeded: hash >> UInt64(64 - depth)) & ~(places - 1)
        for place in first + places / 2..<first + places { directory[place] = UInt32(sibling) }
        let bit: UInt64 = 1 << UInt64(63 - old.depth)
        for entry in old.slots where entry != 0 { segments[entry & bit == 0 ? index : sibling].place(entry) }
    }
}

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
        if pages.isEmpty || pages[pages.count - 1].count + bytes.count > Self.pageSize { pages.append([]) }
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

/// Byte strings that can be found: an index of 64-bit slots, half of it a hash and half a number (open addressing with
/// linear probing; Knuth, The Art of Computer Programming 3, section 6.4).
///
/// A dictionary of strings would cost an allocation each and hash all of them anew whenever it grows. This one costs 24
/// to 40 bytes a string beside its own, and growing reads no string.
package struct ByteTable: Sendable {
    package private(set) var strings = ByteStrings()
    /// 0, or the upper half of the hash above the number plus one. A power of two, at least twice as many as strings.
    private var slots: ContiguousArray<UInt64> = [0, 0]
    private var shift: UInt64 = 63

    package init() {}

    package var count: Int { strings.count }

    /// The number of a string; `hash` must be the one that it was inserted with.
    package func number(of bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
        let tag = hash >> 32
        var slot = Int(hash >> shift)
        while slots[slot] != 0 {
            if slots[slot] >> 32 == tag {
                let number = Int(slots[slot] & 0xFFFF_FFFF) - 1
                if strings.withBytes(of: number, { $0.count == bytes.count && $0.elementsEqual(bytes) }) {
                    return number
                }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a string that is not in the table, and returns its number. The upper half of `hash` must be a good one.
    @discardableResult
    package mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
        strings.append(bytes)
        if strings.count * 2 > slots.count { grow() }
        place(hash & 0xFFFF_FFFF_0000_0000 | UInt64(strings.count))
        return strings.count - 1
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: 0, count: old.count * 2)
        shift -= 1
        for entry in old where entry != 0 { place(entry) }
    }

    private mutating func place(_ entry: UInt64) {
        var slot = Int(entry >> shift)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = entry
    }
}

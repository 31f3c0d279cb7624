internal import GRDB
internal import SeckillCore

/// 64 bits that stand for values: FNV-1a over the bytes of texts, and a finalizer that spreads them.
///
/// Good for finding and for noticing what was altered by hand; not a signature. Part of the file's format.
struct Fingerprint {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// How many numbers, from its id's fingerprint on, may stand for an order: the first that no other order of its sale
    /// has taken when it is recorded does.
    static let maxProbes: Int64 = 8

    static func of(_ text: String) -> Int64 {
        var fingerprint = Fingerprint()
        fingerprint.add(text)
        return fingerprint.value
    }

    /// The number that stands for an order in the index, the second of its minting in front: orders that are recorded
    /// together lie together there, however many the ledger has.
    static func of(_ order: OrderID) -> Int64 {
        Int64(bitPattern: UInt64(order.second) << 32 | UInt64(UInt32(truncatingIfNeeded: of(order.text))))
    }

    static func of(_ values: [DatabaseValue]) -> Int64 {
        var fingerprint = Fingerprint()
        for value in values { fingerprint.add(value) }
        return fingerprint.value
    }

    var value: Int64 {
        var mixed = state
        mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return Int64(bitPattern: mixed ^ mixed >> 33)
    }

    mutating func add(_ text: String) {
        for byte in text.utf8 { mix(UInt64(byte)) }
        // No byte of UTF-8: texts that follow each other cannot run together.
        mix(0x1FF)
    }

    mutating func add(_ number: Int64) {
        mix(UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15)
    }

    private mutating func add(_ value: DatabaseValue) {
        switch value.storage {
        case .null: mix(0x2FF)
        case .int64(let number): add(number)
        case .string(let text): add(text)
        case .double, .blob: mix(0x3FF)
        }
    }

    private mutating func mix(_ bits: UInt64) {
        state = (state ^ bits) &* 0x100_0000_01B3
    }
}

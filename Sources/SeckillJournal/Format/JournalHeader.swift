internal import SeckillCore

/// The first 64 bytes of a journal: what it is, for whom, and the salt of every checksum in it.
struct JournalHeader: Hashable {
    /// What a journal remembers.
    enum Kind: UInt16 {
        case stock = 1
        case sessions = 2
    }

    static let size = 64
    static let version: UInt16 = 1
    private static let magic = Array("seckillj".utf8)

    var kind: Kind
    /// 16 characters, minted when the journal is first made and kept by every compaction.
    var identity: String
    /// When the journal was first made.
    var created: Timestamp
    /// Which compaction this file comes from.
    var generation: UInt64

    func encoded() -> [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: kind.rawValue)
        bytes.append(littleEndian: created.milliseconds)
        bytes.append(littleEndian: generation)
        bytes += Array(identity.utf8)
        bytes += [UInt8](repeating: 0, count: Self.size - 4 - bytes.count)
        bytes.append(littleEndian: bytes.withUnsafeBytes { CRC32C.checksum(of: $0) })
        return bytes
    }

    /// No frame of another file, or of another generation of this one, has the right checksum here.
    var salt: UInt32 { encoded().withUnsafeBytes { CRC32C.checksum(of: $0) } }

    /// Reads a header, or says in words why it is not one.
    static func decode(_ bytes: [UInt8], expecting kind: Kind) -> Result<JournalHeader, HeaderProblem> {
        guard bytes.prefix(8).elementsEqual(magic) else { return .failure(.foreign) }
        return bytes.withUnsafeBytes { bytes in
            func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
                Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
            }
            // The version comes first: a later one may lay out, and check, the rest in another way.
            let version: UInt16 = number(at: 8)
            guard version <= Self.version else { return .failure(.newer(Int(version))) }
            let sum = CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<(size - 4)]))
            guard bytes.count == size, number(at: size - 4) == sum else { return .failure(.damaged) }
            guard Kind(rawValue: number(at: 10)) == kind,
                let identity = String(validating: bytes[28..<44], as: UTF8.self)
            else { return .failure(.foreign) }
            return .success(
                JournalHeader(
                    kind: kind,
                    identity: identity,
                    created: Timestamp(milliseconds: number(at: 12)),
                    generation: number(at: 20)
                )
            )
        }
    }
}

/// Why the first bytes of a file are not the header looked for.
enum HeaderProblem: Error {
    case foreign
    case newer(Int)
    case damaged
}

extension [UInt8] {
    /// LEB128: seven bits a byte, lowest first.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(varint value: Int) { append(varint: UInt64(value)) }

    /// Zigzag, so that small negative numbers are short too.
    mutating func append(signed value: Int64) { append(varint: UInt64(bitPattern: value << 1 ^ value >> 63)) }

    /// The length, then the bytes.
    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(blob: $0) }
    }

    mutating func append(blob: UnsafeBufferPointer<UInt8>) {
        append(varint: blob.count)
        append(contentsOf: blob)
    }

    mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}

/// Reads what the functions above wrote, and nothing beyond its end.
struct ByteReader {
    /// Bytes whose checksum is right do not say what they should.
    struct Malformed: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() throws(Malformed) -> UInt8 {
        guard offset < bytes.count else { throw Malformed() }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            // The tenth byte has room for one bit.
            guard shift < 63 || byte <= 1 else { throw Malformed() }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }

    mutating func count() throws(Malformed) -> Int {
        guard let count = Int(exactly: try varint()) else { throw Malformed() }
        return count
    }

    mutating func signed() throws(Malformed) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func blob() throws(Malformed) -> UnsafeBufferPointer<UInt8> {
        let count = try count()
        guard count <= bytes.count - offset else { throw Malformed() }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]).assumingMemoryBound(to: UInt8.self)
    }

    mutating func text() throws(Malformed) -> String {
        guard let text = String(validating: try blob(), as: UTF8.self) else { throw Malformed() }
        return text
    }
}

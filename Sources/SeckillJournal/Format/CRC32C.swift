/// The Castagnoli checksum (RFC 3720, appendix B.4), eight bytes at a step: Kounavis and Berry, "A Systematic Approach
/// to Building High Performance Software-Based CRC Generators", 2005.
enum CRC32C {
    /// The checksum of `bytes`, going on from that of what comes before them.
    static func checksum(of bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var crc = ~previous
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = word ^ UInt64(crc)
                crc = 0
                for step in 0..<8 {
                    crc ^= tables[(7 - step) << 8 | Int(truncatingIfNeeded: mixed >> (UInt64(step) << 3)) & 0xFF]
                }
                offset += 8
            }
            while offset < bytes.count {
                crc = tables[Int((crc ^ UInt32(bytes[offset])) & 0xFF)] ^ crc >> 8
                offset += 1
            }
            return ~crc
        }
    }

    /// Table `n`, at `n << 8`: what a byte adds when `n` bytes follow it.
    private static let tables: [UInt32] = {
        var tables = (0..<256).map { byte -> UInt32 in
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
            return crc
        }
        for index in 256..<2048 {
            let crc = tables[index - 256]
            tables.append(tables[Int(crc & 0xFF)] ^ crc >> 8)
        }
        return tables
    }()
}

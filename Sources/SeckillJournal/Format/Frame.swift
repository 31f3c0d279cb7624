/// A group of entries on its way to the file.
///
/// In the file it is magic, length of the body, checksum, body, and zeros up to eight bytes. Frames are written one at
/// a time, and only after everything before them is durable: so a good frame proves that all before it was, and an
/// empty one says no more than that.
struct Frame: Sendable {
    static let headerSize = 12
    private static let magic: UInt32 = 0x6672_6D65

    private var bytes = [UInt8](repeating: 0, count: headerSize)

    var isEmpty: Bool { bytes.count == Self.headerSize }
    var count: Int { bytes.count }

    mutating func append(_ encode: (inout [UInt8]) -> Void) { encode(&bytes) }

    /// The bytes as they go into a file of this salt.
    consuming func sealed(salt: UInt32) -> SealedFrame {
        let body = bytes.count - Self.headerSize
        bytes += [UInt8](repeating: 0, count: Self.paddedSize(body: body) - bytes.count)
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: Self.magic.littleEndian, as: UInt32.self)
            bytes.storeBytes(of: UInt32(body).littleEndian, toByteOffset: 4, as: UInt32.self)
            let sum = Self.checksum(of: UnsafeRawBufferPointer(bytes), body: body, salt: salt)
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: 8, as: UInt32.self)
        }
        return SealedFrame(bytes: bytes)
    }

    static func paddedSize(body: Int) -> Int { (headerSize + body + 7) & ~7 }

    /// The size of the body that a frame's first bytes announce; nil if no frame begins there.
    static func bodySize(announcedBy header: UnsafeRawBufferPointer) -> Int? {
        guard header.count >= headerSize, UInt32(littleEndian: header.loadUnaligned(as: UInt32.self)) == magic else {
            return nil
        }
        return Int(UInt32(littleEndian: header.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    }

    /// Whether the frame that `bytes` begins with is all there and says what was written.
    static func isGood(_ bytes: UnsafeRawBufferPointer, salt: UInt32) -> Bool {
        guard let body = bodySize(announcedBy: bytes), paddedSize(body: body) <= bytes.count else { return false }
        let sum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        return sum == checksum(of: bytes, body: body, salt: salt)
    }

    /// Over magic, length and body.
    private static func checksum(of bytes: UnsafeRawBufferPointer, body: Int, salt: UInt32) -> UInt32 {
        let head = CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<8]), after: salt)
        return CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[headerSize..<headerSize + body]), after: head)
    }
}

/// A frame that is complete, for the one file whose salt it was sealed with.
struct SealedFrame: Sendable {
    fileprivate(set) var bytes: [UInt8]
}

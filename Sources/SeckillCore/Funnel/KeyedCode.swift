internal import Crypto

/// HMAC-SHA256 (RFC 2104), keyed once and copied for each use. The library's own type is generic and not specialised
/// outside its module, and every purchase needs two codes.
struct KeyedCode: Sendable {
    private var inner = SHA256()
    private var outer = SHA256()

    /// - Parameter key: at most 64 bytes, a block of SHA-256.
    init(key: some Collection<UInt8>) {
        precondition(key.count <= SHA256.blockByteCount)
        var block = Array(key) + Array(repeating: 0, count: SHA256.blockByteCount - key.count)
        for index in block.indices { block[index] ^= 0x36 }
        block.withUnsafeBytes { inner.update(bufferPointer: $0) }
        for index in block.indices { block[index] ^= 0x36 ^ 0x5C }
        block.withUnsafeBytes { outer.update(bufferPointer: $0) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { inner.update(bufferPointer: bytes) }

    /// The 32 bytes of the code.
    func withCode<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var outer = outer
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize().withUnsafeBytes(body)
    }
}

/// A user as a link names them: readable for whoever has the secret, and for nobody who reads addresses in a log.
///
/// The bytes are XORed with HMAC-SHA256 of order and block number, a stream that no two users share: an order has one
/// buyer, and 96 random bits of its own. This hides and does not protect; the link's MAC, over what comes out here, does
/// that. Padded to steps of 12 bytes, so that a length tells little.
enum SealedUser {
    private static let step = 12
    /// The bytes of a code.
    private static let block = 32

    static func seal(_ user: UserID, in order: OrderID, _ keyed: KeyedCode) -> String {
        var bytes = Array(user.text.utf8)
        // A user holds no NUL.
        bytes.append(contentsOf: repeatElement(0, count: (step - bytes.count % step) % step))
        mask(&bytes, order, keyed)
        return Base64URL.encode(bytes)
    }

    static func open(_ sealed: some Collection<UInt8>, in order: OrderID, _ keyed: KeyedCode) -> UserID? {
        guard var bytes = Base64URL.decode(sealed) else { return nil }
        mask(&bytes, order, keyed)
        return UserID(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    }

    private static func mask(_ bytes: inout [UInt8], _ order: OrderID, _ keyed: KeyedCode) {
        var order = order.text
        for start in stride(from: 0, to: bytes.count, by: block) {
            var code = keyed
            order.withUTF8 { code.update(UnsafeRawBufferPointer($0)) }
            // Behind a NUL, which no order holds.
            withUnsafeBytes(of: (0 as UInt8, UInt8(start / block))) { code.update($0) }
            code.withCode { stream in
                for index in start..<min(start + stream.count, bytes.count) { bytes[index] ^= stream[index - start] }
            }
        }
    }
}

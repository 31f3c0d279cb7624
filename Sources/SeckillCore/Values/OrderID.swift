/// An order's id, minted with its purchase link and good for ever: `sale.epoch.random.mac`. The random part ends with the
/// second in which it was minted.
///
/// It names its sale and the epoch it was minted in, so that every store can apply the fence without asking anyone.
/// The last part authenticates the others and the buyer (see ``LinkSigner``); this type checks the form only.
/// Opaque to clients, URL-safe, at most 256 bytes.
public struct OrderID: Hashable, Sendable, CustomStringConvertible {
    package static let maxBytes = 256

    /// The whole id.
    public let text: String
    /// The sale that the order is for.
    public let sale: SaleID
    /// The epoch of the sale that it was minted in.
    public let epoch: Int
    /// Eight characters of the random part: enough to hash by, and cheaper than the whole text.
    public let key: UInt64

    /// The id, or nil if `text` does not have the form of one.
    public init?(_ text: some StringProtocol) { self.init(String(text)) }

    /// The id, or nil if `text` does not have the form of one.
    public init?(_ text: String) {
        var text = text
        guard let parts = text.withUTF8({ Self.parts($0) }) else { return nil }
        self.text = text
        (sale, epoch, key) = parts
    }

    private static func parts(_ text: UnsafeBufferPointer<UInt8>) -> (SaleID, epoch: Int, key: UInt64)? {
        let dot = UInt8(ascii: ".")
        guard text.count <= maxBytes, let first = text.firstIndex(of: dot),
            let second = text[(first + 1)...].firstIndex(of: dot),
            let third = text[(second + 1)...].firstIndex(of: dot)
        else { return nil }
        let number = text[(first + 1)..<second]
        let random = text[(second + 1)..<third]
        // One spelling: no sign, no zeros in front.
        guard let sale = SaleID(String(decoding: text[..<first], as: UTF8.self)),
            number.first.map({ $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }) == true,
            let epoch = Int(String(decoding: number, as: UTF8.self)),
            isRandomAndMAC(UnsafeBufferPointer(rebasing: text[(second + 1)...]))
        else { return nil }
        return (sale, epoch, random.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The second in which ``LinkSigner`` minted the id: 32 bits of it. Any number for an id that was made otherwise.
    package var second: UInt32 {
        var text = text
        return text.withUTF8 { text in
            guard let dot = text.lastIndex(of: UInt8(ascii: ".")) else { return 0 }
            let end = Base64URL.decode(text[..<dot].suffix(8)) ?? []
            return end.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Whether `bytes` have the form of the part of an id behind its epoch: `random.mac`.
    package static func isRandomAndMAC(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")) else { return false }
        let (random, mac) = (bytes[..<dot], bytes[(dot + 1)...])
        return random.count >= 8 && mac.count >= 8 && random.allSatisfy(Base64URL.allows)
            && mac.allSatisfy(Base64URL.allows)
    }

    /// The id as text.
    public var description: String { text }

    /// Equal when the whole texts are.
    public static func == (a: OrderID, b: OrderID) -> Bool { a.key == b.key && a.text == b.text }

    /// Hashes part of what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

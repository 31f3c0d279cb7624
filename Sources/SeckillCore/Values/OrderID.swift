/// An order's id, minted with its purchase link and good for ever: `sale.epoch.random.mac`.
///
/// It names its sale and the epoch it was minted in, so that every store can apply the fence without asking anyone.
/// The last part authenticates the others and the buyer (see ``LinkSigner``); this type checks the form only.
/// Opaque to clients, URL-safe, at most 256 bytes.
public struct OrderID: Hashable, Sendable, CustomStringConvertible {
    /// The whole id.
    public let text: String
    /// The sale that the order is for.
    public let sale: SaleID
    /// The epoch of the sale that it was minted in.
    public let epoch: Int
    /// Eight characters of the random part: enough to hash by, and cheaper than the whole text.
    package let key: UInt64

    /// The id, or nil if `text` does not have the form of one.
    public init?(_ text: some StringProtocol) {
        let string = String(text)
        guard string.utf8.count <= 256 else { return nil }
        let parts = string.utf8.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4, let sale = SaleID(Substring(parts[0])),
            let epoch = Int(Substring(parts[1])), epoch > 0, String(epoch).utf8.elementsEqual(parts[1]),
            parts[2].count >= 8, parts[3].count >= 8,
            parts[2].allSatisfy(Base64URL.allows), parts[3].allSatisfy(Base64URL.allows)
        else { return nil }
        self.text = string
        self.sale = sale
        self.epoch = epoch
        self.key = parts[2].prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The id as text.
    public var description: String { text }

    /// Equal when the whole texts are.
    public static func == (a: OrderID, b: OrderID) -> Bool { a.key == b.key && a.text == b.text }

    /// Hashes part of what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// The name of a sale: 1 to 64 of `A-Z a-z 0-9 _ -`.
public struct SaleID: Hashable, Sendable, CustomStringConvertible {
    /// The name as it appears in addresses, keys and rows.
    public let text: String

    /// The name, or nil if `text` is empty, too long or has a character outside the set.
    public init?(_ text: some StringProtocol) { self.init(String(text)) }

    /// The name, or nil if `text` is empty, too long or has a character outside the set.
    public init?(_ text: String) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Base64URL.allows) else { return nil }
        self.text = text
    }

    /// The name as text.
    public var description: String { text }
}

/// The name of a sale: 1 to 64 of `A-Z a-z 0-9 _ -`.
public struct SaleID: Hashable, Sendable, CustomStringConvertible {
    /// The name as it appears in addresses, keys and rows.
    public let text: String

    /// The name, or nil if `text` is empty, too long or has a character outside the set.
    public init?(_ text: some StringProtocol) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.allows) else { return nil }
        self.text = String(text)
    }

    /// The name as text.
    public var description: String { text }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

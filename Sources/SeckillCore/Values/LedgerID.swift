/// Identifies one ledger. Drawn when the ledger is created, and never changed.
///
/// A stock store belongs to one ledger. Its identity keeps two shops that share a server from selling each other's
/// units.
public struct LedgerID: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public let text: String

    /// Returns the identity, or nil if `text` is not one.
    public init?(_ text: some StringProtocol) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Base64URL.allows) else { return nil }
        self.text = String(text)
    }

    /// Draws the identity of a new ledger.
    public static func random(_ random: any RandomSource = .system) -> LedgerID {
        // Base64url of 12 bytes is always 16 allowed characters.
        LedgerID(Base64URL.encode(random.bytes(12)))!
    }

    /// The identity as text.
    public var description: String { text }
}

internal import Crypto

/// A bearer secret that proves a login: 144 random bits. Stores keep only its ``digest``.
public struct SessionToken: Hashable, Sendable {
    /// The secret, for the cookie and nothing else.
    public let text: String

    /// The token, or nil if `text` cannot be one.
    public init?(_ text: some StringProtocol) { self.init(String(text)) }

    /// The token, or nil if `text` cannot be one.
    public init?(_ text: String) {
        guard text.utf8.count == 24, text.utf8.allSatisfy(Base64URL.allows) else { return nil }
        self.text = text
    }

    /// A new token.
    public static func mint(from random: some RandomSource) -> SessionToken {
        SessionToken(Base64URL.encode(random.bytes(18)))!
    }

    /// The first 240 bits of SHA-256 of the text, URL-safe: the key a store keeps it under, so that a leaked store opens no session.
    public var digest: String {
        var hash = SHA256()
        var text = text
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return Base64URL.encode(Array(hash.finalize()).prefix(30))
    }

    /// Whether `text` has the form of a ``digest``.
    package static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy(Base64URL.allows)
    }
}

/// A login that is still good.
public struct Session: Hashable, Sendable {
    /// Who logged in.
    public var user: UserID
    /// When it ends unless refreshed.
    public var expiresAt: Timestamp

    /// A session.
    public init(user: UserID, expiresAt: Timestamp) {
        self.user = user
        self.expiresAt = expiresAt
    }
}

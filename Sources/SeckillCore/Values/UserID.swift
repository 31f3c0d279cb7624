/// Who buys: 1 to 128 bytes of UTF-8 without control characters (C0, DEL and C1). Never interpreted, compared by bytes.
public struct UserID: Hashable, Sendable, CustomStringConvertible {
    /// The id as the embedding server knows it.
    public let text: String

    /// The id, or nil if `text` is empty, too long or holds a control character.
    public init?(_ text: some StringProtocol) {
        let string = String(text)
        guard (1...128).contains(string.utf8.count), !string.hasControlCharacter else { return nil }
        self.text = string
    }

    /// Whether ``init(_:)`` would take the bytes as an id.
    package static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (1...128).contains(bytes.count) else { return false }
        // Most ids are printable ASCII, and need no closer look.
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return true }
        return String(validating: bytes, as: UTF8.self).map { !$0.hasControlCharacter } ?? false
    }

    /// The id as text.
    public var description: String { text }

    /// By bytes, not by Unicode equivalence: every store compares bytes, so this must too.
    public static func == (a: UserID, b: UserID) -> Bool {
        var (a, b) = (a.text, b.text)
        return a.withUTF8 { a in b.withUTF8 { b in a.count == b.count && a.elementsEqual(b) } }
    }

    /// Hashes the bytes that `==` compares.
    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether the text holds a C0, DEL or C1 control character.
    package var hasControlCharacter: Bool {
        unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }
}

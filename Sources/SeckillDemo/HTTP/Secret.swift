internal import Crypto

/// A text that lets in who knows it. Digests compare in constant time, whatever the lengths.
struct Secret: Sendable {
    private let digest: SHA256Digest

    init(_ text: String) { digest = SHA256.hash(data: Array(text.utf8)) }

    func isSame(as text: some StringProtocol) -> Bool { SHA256.hash(data: Array(text.utf8)) == digest }
}

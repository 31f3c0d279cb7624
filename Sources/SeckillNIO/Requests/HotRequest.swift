internal import NIOCore

/// A request that a hot route may answer: whole, plain, and without a body.
public struct HotRequest: Sendable {
    /// What is to be done.
    public enum Method: Sendable, CaseIterable {
        /// `GET`
        case get
        /// `POST`
        case post
        /// `HEAD`
        case head
        /// `DELETE`
        case delete

        /// How a request begins.
        var prefix: StaticString {
            switch self {
            case .get: "GET "
            case .post: "POST "
            case .head: "HEAD "
            case .delete: "DELETE "
            }
        }
    }

    private let plain: PlainRequest
    private let bytes: ByteBuffer

    init(_ plain: PlainRequest, _ bytes: ByteBuffer) {
        self.plain = plain
        self.bytes = bytes
    }

    /// What is to be done.
    public var method: Method { plain.method }
    /// The path, still percent-encoded, and the query if there is one.
    public var path: String { text(plain.path) ?? "" }
    /// `Host`, which every request has.
    public var host: String { text(plain.host) ?? "" }
    /// `Cookie`
    public var cookie: String? { text(plain.cookie) }
    /// `Origin`
    public var origin: String? { text(plain.origin) }
    /// `Sec-Fetch-Site`
    public var fetchSite: String? { text(plain.fetchSite) }
    /// `If-None-Match`
    public var ifNoneMatch: String? { text(plain.ifNoneMatch) }

    /// The value of the first cookie of this name.
    public func cookie(named name: String) -> Substring? {
        guard let cookie else { return nil }
        for pair in cookie.utf8.split(separator: UInt8(ascii: ";")) {
            let pair = pair.drop { $0 == UInt8(ascii: " ") }
            guard pair.starts(with: name.utf8) else { continue }
            let rest = pair.dropFirst(name.utf8.count)
            if rest.first == UInt8(ascii: "=") { return Substring(rest.dropFirst()) }
        }
        return nil
    }

    private func text(_ span: PlainRequest.Span) -> String? {
        guard !span.isEmpty else { return nil }
        return bytes.getString(at: bytes.readerIndex + span.start, length: span.end - span.start)
    }
}

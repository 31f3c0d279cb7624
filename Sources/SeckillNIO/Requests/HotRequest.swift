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
    /// The bytes of ``path``, without a copy.
    public func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { with(plain.path, body) }
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
    public func cookie(named name: String) -> String? {
        with(plain.cookie) { CookieField.value(of: name, in: $0) }
    }

    private func with<Result>(_ span: PlainRequest.Span, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[span.start..<span.end])) }
    }

    private func text(_ span: PlainRequest.Span) -> String? {
        guard !span.isEmpty else { return nil }
        return bytes.getString(at: bytes.readerIndex + span.start, length: span.end - span.start)
    }
}

internal import Hummingbird

/// What has an address, and what can be done with it.
struct Resource: Sendable {
    typealias Handler = @Sendable (Call) async throws -> Response

    private enum Segment: Sendable {
        case literal(Substring)
        case parameter(String)
    }

    /// How many segments a path may have, the empty one before its first slash included.
    static let segmentLimit = 8

    private let segments: [Segment]
    private let handlers: [HTTPRequest.Method: Handler]

    /// A resource at `path`, whose segments in braces, such as `{sale}`, match anything.
    init(_ path: String, _ handlers: KeyValuePairs<HTTPRequest.Method, Handler>) {
        segments = path.split(separator: "/", omittingEmptySubsequences: false).map {
            $0.hasPrefix("{") ? .parameter(String($0.dropFirst().dropLast())) : .literal($0)
        }
        precondition(segments.count <= Self.segmentLimit, "a longer path is not told apart from others")
        self.handlers = Dictionary(uniqueKeysWithValues: handlers.map { ($0.key, $0.value) })
    }

    /// The parameters in `path`, which was split at its slashes, or nil if it is no address of this resource. They are
    /// decoded; one that is not well encoded is left out, for it names nothing.
    func match(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .literal(let literal): guard literal.utf8.elementsEqual(text.utf8) else { return nil }
            case .parameter(let name): parameters[name] = text.percentDecoded
            }
        }
        return parameters
    }

    /// What answers `method`; `HEAD` is `GET` without the body.
    func handler(for method: HTTPRequest.Method) throws -> Handler {
        if let handler = handlers[method] { return handler }
        if method == .head, let get = handlers[.get] { return { try await get($0).createHeadResponse() } }
        throw Problem(.methodNotAllowed, "It has \(allow).", allow: allow)
    }

    private var allow: String {
        var names = handlers.keys.map(\.rawValue)
        if handlers[.get] != nil { names.append("HEAD") }
        return names.sorted().joined(separator: ", ")
    }
}

/// One request to a resource.
struct Call: Sendable {
    /// Its head.
    var request: Request
    /// Its body, all of it.
    var body: ByteBuffer
    /// Whom logins and challenges are limited by; nil for a connection without an address.
    var client: ClientAddress?
    /// The decoded parts of its path that the resource names.
    var parameters: [String: String]
}

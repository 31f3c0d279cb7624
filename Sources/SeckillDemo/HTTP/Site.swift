internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import SeckillCore

/// Finds the resource that a request is for and makes whatever goes wrong a problem document.
///
/// Hummingbird's own router cannot tell a wrong method from a wrong path, and leaves percent escapes alone.
struct Site: HTTPResponder {
    static let bodyLimit = 16_384
    static let headLimit = 16_384

    let resources: [Resource]
    let origins: OriginPolicy
    /// The field that a proxy names the client in; nil where clients connect by themselves.
    private let clientHeader: HTTPField.Name?
    /// Of requests that could not be answered because a backend failed, and of those that failed for a reason that nobody
    /// foresaw.
    private let outage: OutageLog
    private let failures: OutageLog

    init(
        resources: [Resource],
        origins: OriginPolicy,
        clientHeader: HTTPField.Name?,
        clock: any SaleClock,
        logger: Logger
    ) {
        self.resources = resources
        self.origins = origins
        self.clientHeader = clientHeader
        outage = OutageLog(
            logger,
            clock: clock,
            began: "requests cannot be answered",
            ended: "requests are answered again"
        )
        failures = OutageLog(
            logger,
            clock: clock,
            level: .error,
            began: "requests fail",
            ended: "requests fail no more"
        )
    }

    func respond(to request: Request, context: ShopContext) async throws -> Response {
        var response: Response
        do {
            response = try await answer(request, from: context.peer)
            outage.succeeded()
            failures.succeeded()
        } catch let error as HTTPParserError {
            // Hummingbird's to answer: the connection is of no more use.
            throw error
        } catch let problem as Problem {
            response = Response(Reply(problem))
        } catch let error as SeckillError {
            if error.code != .invalid { outage.failed(error) }
            response = Response(Reply(Problem(error)))
        } catch is CancellationError {
            response = Response(Reply(Problem(.unavailable, "The server is stopping.", retryAfter: .seconds(1))))
        } catch {
            failures.failed(error)
            response = Response(Reply(Problem(.internalError, "The failure has been logged.")))
        }
        if request.method == .head { response = response.createHeadResponse() }
        return response.withCommonFields
    }

    private func answer(_ request: Request, from peer: SocketAddress?) async throws -> Response {
        let body = try await collectBody(of: request)
        // One part more than any resource has is enough to know that it is none.
        let path = request.uri.path.utf8.split(
            separator: UInt8(ascii: "/"),
            maxSplits: Resource.segmentLimit,
            omittingEmptySubsequences: false
        ).map { Substring($0) }
        for resource in resources {
            guard let parameters = resource.match(path) else { continue }
            let handler = try resource.handler(for: request.method)
            try origins.check(request)
            return try await handler(
                Call(request: request, body: body, client: client(of: request, peer), parameters: parameters)
            )
        }
        throw Problem(.notFound, "Docs/openapi.yaml names what there is.")
    }

    private func client(of request: Request, _ peer: SocketAddress?) -> ClientAddress? {
        if let clientHeader, let client = request.headers[clientHeader].flatMap({ ClientAddress(lastIn: $0) }) {
            return client
        }
        return peer.flatMap { ClientAddress($0) }
    }

    private func collectBody(of request: Request) async throws -> ByteBuffer {
        let tooLarge = Problem(.tooLarge, "A body may have \(Self.bodyLimit) bytes.")
        let length = request.headers[.contentLength].map { Int($0) ?? .max } ?? 0
        guard length <= Self.bodyLimit else { throw tooLarge }
        guard length > 0 || request.headers.contains(.transferEncoding) else { return ByteBuffer() }
        do {
            return try await request.body.collect(upTo: Self.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }
}

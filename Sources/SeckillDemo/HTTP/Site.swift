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

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        var response: Response
        do {
            response = try await answer(request)
        } catch let error as HTTPParserError {
            // Hummingbird's to answer: the connection is of no more use.
            throw error
        } catch let problem as Problem {
            response = Response(Reply(problem))
        } catch let error as SeckillError {
            context.logger.info("could not answer", metadata: ["error": "\(error)"])
            response = Response(Reply(Problem(error)))
        } catch is CancellationError {
            response = Response(Reply(Problem(.unavailable, "The server is stopping.", retryAfter: .seconds(1))))
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)"])
            response = Response(Reply(Problem(.internalError, "The failure has been logged.")))
        }
        if request.method == .head { response = response.createHeadResponse() }
        return response.withCommonFields
    }

    private func answer(_ request: Request) async throws -> Response {
        let body = try await collectBody(of: request)
        let path = request.uri.path.split(separator: "/", omittingEmptySubsequences: false)
        for resource in resources {
            guard let parameters = resource.match(path) else { continue }
            let handler = try resource.handler(for: request.method)
            try origins.check(request)
            return try await handler(Call(request: request, body: body, parameters: parameters))
        }
        throw Problem(.notFound, "Docs/openapi.yaml names what there is.")
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

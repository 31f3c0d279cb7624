internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// What those ask who watch over the server.
struct OperationRoutes: Sendable {
    let flashSale: FlashSale
    let watch: ServerWatch
    /// So many sales have samples of their own at most.
    private static let maxSales = 100

    var resources: [Resource] { [liveness, Resource("/ready", [.get: ready]), Resource("/metrics", [.get: metrics])] }

    /// What those ask who only need to know that the port is served.
    var liveness: Resource { Resource("/health", [.get: health]) }

    private func health(_ call: Call) async throws -> Response { Response(.ok, ["status": "alive"]) }

    private func ready(_ call: Call) async throws -> Response {
        let readiness = readiness()
        guard readiness.isReady else {
            var problem = Problem(.unavailable, "Purchases cannot be answered.", retryAfter: .seconds(1))
            problem.members = JSON.troubles(readiness)
            throw problem
        }
        return Response(.ok, .object([JSON.Member(name: "status", value: "ready")] + JSON.troubles(readiness)))
    }

    /// That of the sales, and what concerns all of them.
    private func readiness() -> Readiness {
        var readiness = flashSale.readiness()
        readiness.reasons += watch.reasons
        if !readiness.reasons.isEmpty { readiness.isReady = false }
        return readiness
    }

    /// The metrics as a page, read from memory. Of single sales it shows those that a request names with `?sale=…`, or
    /// else those of up to a hundred that changed last.
    func metrics(_ call: Call) async throws -> Response {
        let named = call.request.uri.queryParameters.getAll("sale").prefix(Self.maxSales).compactMap { SaleID($0) }
        var page = PrometheusRegistry.shared.page
        page.add(
            flashSale.activity(of: named.isEmpty ? nil : named, limit: Self.maxSales),
            isReady: readiness().isReady
        )
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page.text))
        )
    }
}

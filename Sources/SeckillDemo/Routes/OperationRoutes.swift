internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// What those ask who watch over the server.
struct OperationRoutes: Sendable {
    let flashSale: FlashSale
    let watch: ServerWatch

    var resources: [Resource] {
        [
            Resource("/health", [.get: health]),
            Resource("/ready", [.get: ready]),
            Resource("/metrics", [.get: metrics]),
        ]
    }

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

    private func metrics(_ call: Call) async throws -> Response {
        // Of the store, not of this process: every node tells the same.
        _ = try? await flashSale.backlog()
        var page = PrometheusRegistry.shared.page
        var reports: [SaleReport] = []
        // Where the ledger does not answer, the rest is worth seeing all the more.
        for sale in (try? await flashSale.sales()) ?? [] {
            if let report = try? await flashSale.report(of: sale.record.sale.id) { reports.append(report) }
        }
        page.add(reports, isReady: readiness().isReady)
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page.text))
        )
    }
}

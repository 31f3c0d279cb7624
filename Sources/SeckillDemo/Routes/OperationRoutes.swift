internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// What those ask who watch over the server.
struct OperationRoutes: Sendable {
    let flashSale: FlashSale

    var resources: [Resource] {
        [
            Resource("/health", [.get: health]),
            Resource("/ready", [.get: ready]),
            Resource("/metrics", [.get: metrics]),
        ]
    }

    private func health(_ call: Call) async throws -> Response { Response(.ok, ["status": "alive"]) }

    private func ready(_ call: Call) async throws -> Response {
        guard await flashSale.isReady() else {
            throw Problem(.unavailable, "Purchases cannot be answered yet.", retryAfter: .seconds(1))
        }
        return Response(.ok, ["status": "ready"])
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
        page.add(reports, isReady: await flashSale.isReady())
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page.text))
        )
    }
}

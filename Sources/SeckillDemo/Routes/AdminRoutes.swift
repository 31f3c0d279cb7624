internal import Crypto
internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// The operator's routes, for whoever has the token.
struct AdminRoutes: Sendable {
    let flashSale: FlashSale
    let clock: any SaleClock
    private let tokenDigest: SHA256Digest

    init(flashSale: FlashSale, clock: any SaleClock, token: String) {
        self.flashSale = flashSale
        self.clock = clock
        tokenDigest = SHA256.hash(data: Array(token.utf8))
    }

    var resources: [Resource] {
        [
            Resource("/admin/sales", [.post: guarded(create)]),
            Resource("/admin/sales/{sale}", [.get: guarded(show)]),
            Resource("/admin/sales/{sale}/pause", [.post: guarded { try await turn($0, to: .paused) }]),
            Resource("/admin/sales/{sale}/resume", [.post: guarded { try await turn($0, to: .open) }]),
            Resource("/admin/sales/{sale}/close", [.post: guarded { try await turn($0, to: .closed) }]),
            Resource("/admin/sales/{sale}/restock", [.post: guarded(restock)]),
        ]
    }

    private func guarded(_ handler: @escaping Resource.Handler) -> Resource.Handler {
        { call in
            let parts = (call.request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
            // Digests compare in constant time, whatever the lengths.
            guard parts.count == 2, parts[0].lowercased() == "bearer",
                SHA256.hash(data: Array(parts[1].utf8)) == tokenDigest
            else { throw Problem(.unauthorized, "Send Authorization: Bearer and the token.") }
            return try await handler(call)
        }
    }

    private func create(_ call: Call) async throws -> Response {
        let declaration = try SaleDeclaration(try call.fields(), now: clock.now)
        let (record, isNew) = try await declaration.create(in: flashSale)
        guard let status = try await flashSale.status(of: record.sale.id) else { throw Problem(.noSale) }
        return Response(
            isNew ? .created : .ok,
            .sale(status),
            isNew ? [.location: "/api/sales/\(record.sale.id)"] : [:]
        )
    }

    private func show(_ call: Call) async throws -> Response {
        guard let id = call.sale, let report = try await flashSale.report(of: id) else { throw Problem(.noSale) }
        return Response(.ok, .report(report))
    }

    private func turn(_ call: Call, to admission: Admission) async throws -> Response {
        guard let id = call.sale, let status = try await flashSale.setAdmission(admission, of: id) else {
            throw Problem(.noSale)
        }
        return Response(.ok, .sale(status))
    }

    private func restock(_ call: Call) async throws -> Response {
        let units = try call.fields().integer("add", in: 1...1_000_000_000)
        guard let id = call.sale, let status = try await flashSale.restock(id, adding: units) else {
            throw Problem(.noSale)
        }
        return Response(.ok, .sale(status))
    }
}

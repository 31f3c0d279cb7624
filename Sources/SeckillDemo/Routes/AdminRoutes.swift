internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// The operator's routes, for whoever has the token, or the cookie that it was exchanged for.
struct AdminRoutes: Sendable {
    let flashSale: FlashSale
    let operations: OperationRoutes
    let clock: any SaleClock
    private let token: Secret
    private let cookie: AdminCookie

    init(
        flashSale: FlashSale,
        operations: OperationRoutes,
        clock: any SaleClock,
        token: String,
        isSecure: Bool
    ) {
        self.flashSale = flashSale
        self.operations = operations
        self.clock = clock
        self.token = Secret(token)
        cookie = AdminCookie(token: token, isSecure: isSecure)
    }

    var resources: [Resource] {
        [
            Resource(
                "/admin/session",
                [
                    .get: guarded { _ in Response(status: .noContent) }, .post: enter,
                    .delete: { _ in Response(status: .noContent, headers: cookie.clearing) },
                ]
            ),
            Resource("/admin/metrics", [.get: guarded(operations.metrics)]),
            Resource("/admin/sales", [.post: guarded(create)]),
            Resource("/admin/sales/{sale}", [.get: guarded(show)]),
            Resource("/admin/sales/{sale}/rejections", [.get: guarded(rejections)]),
            Resource("/admin/sales/{sale}/pause", [.post: guarded { try await turn($0, to: .paused) }]),
            Resource("/admin/sales/{sale}/resume", [.post: guarded { try await turn($0, to: .open) }]),
            Resource("/admin/sales/{sale}/close", [.post: guarded { try await turn($0, to: .closed) }]),
            Resource("/admin/sales/{sale}/restock", [.post: guarded(restock)]),
        ]
    }

    private func guarded(_ handler: @escaping Resource.Handler) -> Resource.Handler {
        { call in
            guard cookie.isBrought(by: call.request) || token.isSame(as: bearer(of: call.request)) else {
                throw Problem(.unauthorized, "Send Authorization: Bearer and the token.")
            }
            return try await handler(call)
        }
    }

    private func bearer(of request: Request) -> Substring {
        let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].lowercased() == "bearer" ? parts[1] : ""
    }

    private func enter(_ call: Call) async throws -> Response {
        guard token.isSame(as: try call.fields().string("token", "the operator's token")) else {
            throw Problem(.unauthorized, "It is another token.")
        }
        return Response(status: .noContent, headers: cookie.setting)
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

    private func rejections(_ call: Call) async throws -> Response {
        guard let id = call.sale, try await flashSale.status(of: id) != nil else { throw Problem(.noSale) }
        let orders = try await flashSale.rejections(of: id) ?? []
        return Response(.ok, ["orders": .array(orders.map { .rejection($0) })])
    }

    private func turn(_ call: Call, to admission: Admission) async throws -> Response {
        guard let id = call.sale, let status = try await flashSale.setAdmission(admission, of: id) else {
            throw Problem(.noSale)
        }
        return Response(.ok, .sale(status))
    }

    private func restock(_ call: Call) async throws -> Response {
        let fields = try call.fields()
        let units = try fields.integer("add", in: 1...1_000_000_000)
        let key = try Self.restockKey(call.request.headers[.idempotencyKey], fields)
        guard let sale = call.sale, let status = try await flashSale.restock(sale, adding: units, id: key) else {
            throw Problem(.noSale)
        }
        return Response(.ok, .sale(status))
    }

    /// What makes a repeat of the same restock harmless: the header or, without it, a member of the body.
    private static func restockKey(_ header: String?, _ fields: Fields) throws -> String? {
        let rule = "1 to 64 visible ASCII characters"
        let member = try fields.string(ifPresent: "id", rule)
        for (name, key) in [("Idempotency-Key", header), ("id", member)] {
            guard let key else { continue }
            guard (1...64).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Problem(.badRequest, "\(name) must be \(rule)")
            }
        }
        return header ?? member
    }
}

extension HTTPField.Name {
    fileprivate static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}

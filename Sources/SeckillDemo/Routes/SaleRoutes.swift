internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// What is for sale, for everybody.
struct SaleRoutes: Sendable {
    let flashSale: FlashSale

    var resources: [Resource] {
        [Resource("/api/sales", [.get: list]), Resource("/api/sales/{sale}", [.get: show])]
    }

    private func list(_ call: Call) async throws -> Response {
        let page = try SalePage(call)
        let sales = try await flashSale.sales(after: page.after, limit: page.limit)
        // A page that is full may be the last one: then the next is empty.
        let next = sales.count == page.limit ? sales.last?.record.sale.id : nil
        return answer(
            call,
            ["sales": .array(sales.map { .sale($0) }), "next": next.map { .string($0.text) } ?? .null],
            lasting: .array(sales.map { .lastingSale($0) })
        )
    }

    private func show(_ call: Call) async throws -> Response {
        guard let id = call.sale, let sale = try await flashSale.status(of: id) else { throw Problem(.noSale) }
        return answer(call, .sale(sale), lasting: .lastingSale(sale))
    }

    /// The validator is weak: two answers that differ in nothing but the time are as good as each other, and a 304
    /// brings the time in its `Date`. A second in a cache keeps the crowd that reloads away from here.
    private func answer(_ call: Call, _ json: JSON, lasting: JSON) -> Response {
        let tag = "W/\"\(String(lasting.bytes.fingerprint, radix: 36))\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "public, max-age=1"]
        if call.known.contain(tag) { return Response(status: .notModified, headers: headers) }
        return Response(.ok, json, headers)
    }
}

/// Which sales a list shows.
struct SalePage {
    static let defaultLimit = 100
    private static let limits = 1...500

    /// The sale behind which it begins; nil for the first page.
    let after: SaleID?
    let limit: Int

    /// Reads `?after=…&limit=…`.
    init(_ call: Call) throws {
        let query = call.request.uri.queryParameters
        after = try query["after"].map { text in
            guard let sale = SaleID(text) else { throw Problem(.badRequest, "after must be the id of a sale") }
            return sale
        }
        limit =
            try query["limit"].map { text in
                guard let limit = Int(text), Self.limits.contains(limit) else {
                    throw Problem(.badRequest, "limit must be 1 to \(Self.limits.upperBound)")
                }
                return limit
            } ?? Self.defaultLimit
    }
}

extension Call {
    /// The sale that the path names, if it can be the name of one.
    var sale: SaleID? { parameters["sale"].flatMap { SaleID($0) } }
}

extension [UInt8] {
    /// FNV-1a, 64 bits: the same on every node.
    fileprivate var fingerprint: UInt64 {
        reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

internal import SeckillCore

/// A sale as an operator declares it in JSON, over HTTP or with `--sale`.
struct SaleDeclaration: Hashable, Sendable {
    private let sale: Sale
    private let opensNow: Bool
    /// How far apart the clocks of two nodes may be that declare the same sale at once.
    private static let clockSkew: Duration = .seconds(5)

    /// Reads the fields; those absent take their defaults, and `opensAt` is `now`.
    init(_ fields: Fields, now: Timestamp) throws {
        let idRule = "1 to 64 of A-Z a-z 0-9 _ -"
        guard let id = SaleID(try fields.string("id", idRule)) else {
            throw Problem(.badRequest, "id must be \(idRule)")
        }
        let opensAt = try fields.moment(ifPresent: "opensAt")
        opensNow = opensAt == nil
        do {
            sale = try Sale(
                id: id,
                title: try fields.string("title", "1 to 200 bytes of UTF-8 without control characters"),
                price: try fields.integer("price", in: 0...1_000_000_000_000),
                currency: try fields.string(ifPresent: "currency", "three capital letters of ISO 4217") ?? "USD",
                stock: try fields.integer("stock", in: 0...1_000_000_000),
                limitPerUser: try fields.integer(ifPresent: "limitPerUser", in: 1...1000) ?? 1,
                opensAt: opensAt ?? now,
                closesAt: try fields.moment(ifPresent: "closesAt", isNullable: true),
                paymentWindow: .seconds(try fields.integer(ifPresent: "paymentWindow", in: 1...10_000_000) ?? 900)
            )
        } catch let error as SeckillError {
            throw Problem(.badRequest, error.message)
        }
    }

    /// Puts it on sale. The record, and whether it was new.
    /// - Throws: `sale_exists` if the id is taken by a sale declared otherwise.
    func create(in flashSale: FlashSale) async throws -> (record: SaleRecord, isNew: Bool) {
        switch try await flashSale.create(sale) {
        case .created(let record): return (record, true)
        case .existing(let record): return (record, false)
        case .conflict(let record):
            // Said again, "now" is another moment; but a moment that is still to come was never "now".
            var same = sale
            if opensNow, record.sale.opensAt <= sale.opensAt + Self.clockSkew { same.opensAt = record.sale.opensAt }
            guard same == record.sale else {
                throw Problem(.saleExists, "A sale \(sale.id) is declared otherwise; choose another id.")
            }
            return (record, false)
        }
    }
}

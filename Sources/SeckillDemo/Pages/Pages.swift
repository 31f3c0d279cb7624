internal import SeckillCore

/// The pages of the shop, the same for everybody: what is a visitor's own, the page's script fetches.
struct Pages: Sendable {
    let flashSale: FlashSale
    let asksChallenge: Bool
    /// Where rendered pages are kept; nil to render each time.
    let cache: PageRenderer?

    private static let listKey = "sales"

    private static func listKey(after sale: SaleID?) -> String { sale.map { "\(listKey)/after/\($0)" } ?? listKey }

    private static func key(_ sale: SaleID) -> String { "sale/\(sale)" }

    /// A page of the list of sales: the first one, or the one that begins behind `sale`.
    func list(after sale: SaleID?) async throws -> Page {
        try await cached(Self.listKey(after: sale)) {
            let sales = try await flashSale.sales(after: sale, limit: SalePage.defaultLimit)
            var values: [String: Any] = ["sales": sales.map { Self.values($0) }]
            values["after"] = HTML(sale?.text ?? "")
            if sales.count == SalePage.defaultLimit, let last = sales.last {
                values["next"] = HTML(last.record.sale.id.text)
            }
            return Template.sales.page(tab: "Seckill", values)
        }
    }

    /// One sale.
    func sale(_ id: SaleID) async throws -> Page {
        try await cached(Self.key(id)) {
            guard let status = try await flashSale.status(of: id) else { throw Problem.noSale }
            var values = Self.values(status)
            values["challenge"] = HTML(asksChallenge ? "on" : "off")
            return Template.sale.page(tab: "\(status.record.sale.title) – Seckill", values)
        }
    }

    /// The page at this address, if it is at hand and fresh.
    func peek(_ path: String) -> Page? {
        guard let cache else { return nil }
        if path == "/" { return cache.peek(Self.listKey) }
        guard path.utf8.starts(with: "/sales/".utf8), let sale = SaleID(path.dropFirst("/sales/".count)) else {
            return nil
        }
        return cache.peek(Self.key(sale))
    }

    /// Forgets the pages that show a sale.
    func drop(_ sale: SaleID) async {
        await cache?.drop(Self.key(sale))
        await cache?.drop(Self.listKey)
    }

    private func cached(_ key: String, _ render: @Sendable () async throws -> Page) async throws -> Page {
        guard let cache else { return try await render() }
        return try await cache.page(key, render: render)
    }

    private static func values(_ status: SaleStatus) -> [String: Any] {
        let sale = status.record.sale
        let remaining = status.stock?.remaining
        let isCounted = remaining != nil && status.state != .closed
        return [
            "id": HTML(sale.id.text),
            "title": HTML(sale.title),
            "price": HTML(Money(sale.price, sale.currency).text),
            "limit": HTML(String(sale.limitPerUser)),
            "state": HTML(status.state.rawValue),
            "stateText": HTML(status.state.text),
            "left": HTML(isCounted ? "\(remaining ?? 0) of \(status.record.stock) left" : ""),
            "stock": HTML(String(max(1, status.record.stock))),
            "remaining": HTML(String(remaining ?? 0)),
        ]
    }
}

extension SaleStatus.State {
    /// In a word or two, for buyers.
    fileprivate var text: String {
        switch self {
        case .scheduled: "Opens later"
        case .open: "On sale"
        case .paused: "Paused"
        case .soldOut: "Sold out"
        case .rebuilding: "One moment"
        case .closed: "Over"
        }
    }
}

public import SeckillCore

/// What a stock store that can be read beside its ledger says of one sale, order by order.
public struct StockBooks: Sendable {
    /// The sale.
    public var sale: SaleID
    /// Its figures.
    public var stock: StockSnapshot
    /// Rows that the ledger had when the store's epoch began; 0 if the store does not know.
    public var orders: Int
    /// Whether the store sells by these figures. Of others only that the ledger lacks orders is checked.
    public var isTrusted: Bool
    /// Reservations that no worker has acknowledged. Some of them may be in the ledger already.
    public var pending: [Reservation]
    /// Whether a return of this id has been applied in the store's epoch.
    public var hasApplied: @Sendable (_ id: String) -> Bool

    /// The books of one sale.
    public init(
        sale: SaleID,
        stock: StockSnapshot,
        orders: Int = 0,
        isTrusted: Bool = true,
        pending: [Reservation],
        hasApplied: @escaping @Sendable (_ id: String) -> Bool
    ) {
        self.sale = sale
        self.stock = stock
        self.orders = orders
        self.isTrusted = isTrusted
        self.pending = pending
        self.hasApplied = hasApplied
    }

    fileprivate func says(theSameAs other: StockBooks) -> Bool {
        sale == other.sale && stock == other.stock && isTrusted == other.isTrusted && pending == other.pending
    }
}

extension LedgerAudit {
    /// Audits the ledger at `path` and compares it with the books of a stock store, which `read` reads.
    ///
    /// That no order has left the store without a row, and that the ledger has every order that the store knows as
    /// recorded, is checked at any time, before and after servers start. That ledger and store add up to the stock
    /// is checked of sales whose books do not change meanwhile; it is tried three times. A store of another epoch, or
    /// one that is behind the ledger, is about to be rebuilt, and is not held to anything.
    /// - Throws: ``SeckillError`` that says why the file cannot be read, or is no ledger; what `read` throws.
    public static func run(path: String, beside read: () async throws -> [StockBooks]) async throws -> LedgerAudit {
        var books = try await read()
        var audit = try await inspect(path, beside: books)
        for attempt in 1...3 where audit.violations.contains(where: { $0.name == .unbalanced }) {
            let now = try await read()
            let moved = books.filter { old in !now.contains { $0.says(theSameAs: old) } }.map(\.sale)
            guard audit.violations.contains(where: { $0.isBalance(of: moved) }) else { break }
            if attempt == 3 {
                audit.violations.removeAll { $0.isBalance(of: moved) }
            } else {
                books = now
                audit = try await inspect(path, beside: books)
            }
        }
        return audit
    }
}

extension LedgerAudit.Violation {
    fileprivate func isBalance(of sales: [SaleID]) -> Bool {
        name == .unbalanced && sale.map(sales.contains) ?? false
    }
}

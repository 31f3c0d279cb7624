/// Units on their way back into the stock store: from an order that ended, or from a restock.
///
/// Written by the ledger in the transaction that ends the order, applied by the store once, then closed in the ledger.
public struct StockReturn: Hashable, Sendable {
    /// What makes it unique within the sale: an order's id, or a restock's.
    public var id: String
    /// The sale.
    public var sale: SaleID
    /// The epoch it was written in: a store in any other epoch has absorbed it by its rebuild, or will.
    public var epoch: Int
    /// How many units, 1 or more.
    public var units: Int
    /// Whose limit is freed by it; nil for a restock.
    public var user: UserID?

    /// A return to be made.
    public init(id: String, sale: SaleID, epoch: Int, units: Int, user: UserID?) {
        self.id = id
        self.sale = sale
        self.epoch = epoch
        self.units = units
        self.user = user
    }
}

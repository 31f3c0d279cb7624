public import SeckillCore

extension StockStore {
    /// Installs `units` of a sale that sells from now on, under epoch 1, in a store that does not hold it.
    public func install(_ sale: SaleID, units: Int, limitPerUser: Int) async throws {
        let declared = try Sale(
            id: sale,
            title: "Phone",
            price: 1,
            stock: units,
            limitPerUser: limitPerUser,
            opensAt: Timestamp(milliseconds: 0)
        )
        let record = SaleRecord(declared)
        let outcome = try await claim(record, identity: identity(), lifetime: .seconds(30))
        guard case .claimed(let claim) = outcome else { return check(false, "an empty store can be claimed") }
        let stock = InstalledStock(terms: record.terms, epoch: 1, remaining: units, held: [:])
        check(try await install(stock, under: claim), "stock is installed")
    }
}

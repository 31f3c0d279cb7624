public import SeckillCore

extension Faults {
    /// The ledger, with these faults in every call.
    public func wrap(_ base: some OrderLedger) -> any OrderLedger { FaultyOrderLedger(base: base, faults: self) }
}

private struct FaultyOrderLedger: OrderLedger {
    let base: any OrderLedger
    let faults: Faults

    func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        try await faults.around("create") { try await base.create(sale) }
    }

    func sale(_ id: SaleID) async throws -> SaleRecord? {
        try await faults.around("sale") { try await base.sale(id) }
    }

    func identity() async throws -> LedgerID {
        try await faults.around("identity") { try await base.identity() }
    }

    func sales(changedAfter change: Int) async throws -> SaleListing {
        try await faults.around("sales") { try await base.sales(changedAfter: change) }
    }

    func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord? {
        try await faults.around("setAdmission") { try await base.setAdmission(admission, of: sale) }
    }

    func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        try await faults.around("restock") { try await base.restock(sale, adding: units, id: id) }
    }

    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        try await faults.around("record") { try await base.record(reservations, at: now) }
    }

    func reject(_ reservation: Reservation, because reason: RejectionReason, at now: Timestamp) async throws -> Order {
        try await faults.around("reject") { try await base.reject(reservation, because: reason, at: now) }
    }

    func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try await faults.around("pay") { try await base.pay(order, at: now) }
    }

    func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try await faults.around("cancel") { try await base.cancel(order, at: now) }
    }

    func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order] {
        try await faults.around("expire") { try await base.expire(dueAt: now, limit: limit) }
    }

    func lookUp(_ order: OrderID) async throws -> LedgerAnswer {
        try await faults.around("lookUp") { try await base.lookUp(order) }
    }

    func orders(of user: UserID, limit: Int) async throws -> [Order] {
        try await faults.around("orders") { try await base.orders(of: user, limit: limit) }
    }

    func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        try await faults.around("pendingReturns") { try await base.pendingReturns(limit: limit, excluding: sales) }
    }

    func markReturnsApplied(_ returns: [StockReturn]) async throws {
        try await faults.around("markReturnsApplied") { try await base.markReturnsApplied(returns) }
    }

    func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord? {
        try await faults.around("transfer") { try await base.transfer(sale, to: store, takeover: number) }
    }

    func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord? {
        try await faults.around("raiseEpoch") {
            try await base.raiseEpoch(of: sale, above: epoch, acceptingLoss: acceptingLoss)
        }
    }

    func beginEpoch(
        after epoch: Int,
        of sale: SaleID,
        in store: StoreName
    ) async throws -> BeginEpochOutcome? {
        try await faults.around("beginEpoch") { try await base.beginEpoch(after: epoch, of: sale, in: store) }
    }
}

extension FlashSale {
    /// Returns the caller's order as it stands; nil if it is another user's or was never placed.
    ///
    /// Ledger first, and what the ledger says is final: a row is the answer, and no row under a later epoch means that the
    /// order, if it was ever acknowledged, was lost. Only then is the stock store asked. A row and a reservation name
    /// their user, so the signature decides only where there is neither: an order stays its buyer's after the secret that
    /// signed it is retired.
    /// - Throws: `unavailable` during a rebuild, which decides whether the order was lost.
    public func order(_ id: OrderID, of user: UserID) async throws -> Order? {
        let before = try await ledger.lookUp(id)
        if let decided = decided(before, id, user, isOwner: false) { return decided.order }
        let reservation = try await stock.reservation(of: id)
        let canVouch =
            if reservation == nil, !catalog.isRetired(id.sale) { try await stock.snapshot(of: id.sale) != nil } else {
                true
            }
        // Recorded and wiped, or rebuilt, between the two reads?
        let after = try await ledger.lookUp(id)
        let isOwner = reservation?.user == user
        if let decided = decided(after, id, user, isOwner: isOwner) { return decided.order }
        if let reservation {
            return isOwner ? Order(id: id, user: user, status: .queued, sequence: reservation.sequence) : nil
        }
        guard canVouch else { throw SeckillError(.unavailable, "the stock of this sale is being rebuilt") }
        return nil
    }

    private enum Decision {
        case order(Order)
        case noOrder

        var order: Order? { if case .order(let order) = self { order } else { nil } }
    }

    /// What the ledger alone says; nil while the stock store may hold the order.
    private func decided(_ answer: LedgerAnswer, _ id: OrderID, _ user: UserID, isOwner: Bool) -> Decision? {
        if let recorded = answer.order { return recorded.user == user ? .order(recorded) : .noOrder }
        guard let epoch = answer.epoch else { return .noOrder }
        guard epoch > id.epoch else { return nil }
        guard isOwner || signer.owns(user, id) else { return .noOrder }
        return .order(Order(id: id, user: user, status: .rejected, sequence: 0, reason: .lost))
    }

    /// The user's orders that the ledger knows, newest first, at most 100.
    public func orders(of user: UserID) async throws -> [Order] {
        try await ledger.orders(of: user, limit: 100)
    }

    /// Takes payment as made, if the order awaits it and the deadline has not passed. Repeating is harmless. Nil if the
    /// order is another's or was never placed.
    public func pay(_ id: OrderID, of user: UserID) async throws -> SettleOutcome? {
        try await settle(id, of: user) { try await ledger.pay(id, at: clock.now) }
    }

    /// Gives an unpaid order up; its unit goes back on sale. Repeating is harmless. Nil if the order is another's or
    /// was never placed.
    public func cancel(_ id: OrderID, of user: UserID) async throws -> SettleOutcome? {
        try await settle(id, of: user) { try await ledger.cancel(id, at: clock.now) }
    }

    private func settle(
        _ id: OrderID,
        of user: UserID,
        _ action: () async throws -> SettleOutcome
    ) async throws -> SettleOutcome? {
        // The signature spares a read. Without it, the ledger's row or the store's reservation must name the user.
        if !signer.owns(user, id), try await order(id, of: user) == nil { return nil }
        switch try await action() {
        case .done(let order):
            metrics.count([order])
            events.send([order])
            return .done(order)
        case .refused(let order): return .refused(order)
        case .unknown: return try await order(id, of: user).map { .refused($0) }
        }
    }
}

extension FlashSale {
    /// The caller's order, as it stands; nil if it is another's or was never placed.
    ///
    /// Ledger first, and the ledger's word is final: a row is the answer, and no row under a later epoch means that the
    /// order, if it ever was acknowledged, was lost. Only then is the stock store asked.
    /// - Throws: `unavailable` while a rebuild will say whether the order was lost: nothing final may be said before.
    public func order(_ id: OrderID, of user: UserID) async throws -> Order? {
        guard signer.owns(user, id) else { return nil }
        if let settled = try await settled(id, of: user) { return settled }
        guard let reservation = try await stock.reservation(of: id) else {
            let canVouch = try await stock.snapshot(of: id.sale) != nil
            // Recorded and wiped, or rebuilt, between the two reads?
            if let settled = try await settled(id, of: user) { return settled }
            guard canVouch else { throw SeckillError(.unavailable, "the stock of this sale is being rebuilt") }
            return nil
        }
        // Recorded between the two reads?
        return try await settled(id, of: user)
            ?? Order(id: id, user: user, status: .queued, sequence: reservation.sequence)
    }

    private func settled(_ id: OrderID, of user: UserID) async throws -> Order? {
        let answer = try await ledger.lookUp(id)
        if let order = answer.order { return order }
        guard let epoch = answer.epoch, epoch > id.epoch else { return nil }
        return Order(id: id, user: user, status: .rejected, sequence: 0, reason: .lost)
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
        guard signer.owns(user, id) else { return nil }
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

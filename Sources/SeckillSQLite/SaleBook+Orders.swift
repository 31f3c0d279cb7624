internal import GRDB
internal import SeckillCore

/// What may become of orders. The caller holds the write transaction and saves the book afterwards.
extension SaleBook {
    /// The last guard.
    func record(_ reservation: Reservation, in orders: OrderTable, at now: Timestamp) throws -> Order {
        try checkEpoch(of: reservation)
        if let row = try orders.row(of: reservation.order, in: key) { return row.order }
        let reason: RejectionReason? =
            if reservation.order.epoch < record.epoch {
                .lost
            } else if sums.awaiting + sums.paid >= record.stock {
                .soldOut
            } else if try orders.live(of: reservation.user, in: key) >= record.sale.limitPerUser {
                .limitReached
            } else {
                nil
            }
        return try add(reservation, reason, to: orders, at: now)
    }

    /// Records as rejected, unless there is a row.
    func reject(
        _ reservation: Reservation,
        because reason: RejectionReason,
        in orders: OrderTable,
        at now: Timestamp
    ) throws -> Order {
        try checkEpoch(of: reservation)
        if let row = try orders.row(of: reservation.order, in: key) { return row.order }
        return try add(reservation, reason, to: orders, at: now)
    }

    func pay(_ row: OrderRow, at now: Timestamp) throws -> SettleOutcome {
        if row.order.status == .paid { return .done(row.order) }
        guard row.order.status == .awaitingPayment, let payBy = row.order.payBy, now < payBy else {
            return .refused(row.order)
        }
        return .done(try settle(row, as: .paid, at: now))
    }

    func cancel(_ row: OrderRow, at now: Timestamp) throws -> SettleOutcome {
        if row.order.status == .cancelled { return .done(row.order) }
        guard row.order.status == .awaitingPayment else { return .refused(row.order) }
        return .done(try end(row, as: .cancelled, at: now))
    }

    /// Ends an order that awaits payment and sends its unit back.
    func end(_ row: OrderRow, as status: OrderStatus, at now: Timestamp) throws -> Order {
        let order = try settle(row, as: status, at: now)
        try addReturn(units: 1, purchase: row.key)
        return order
    }

    private func checkEpoch(of reservation: Reservation) throws {
        guard reservation.order.epoch <= record.epoch else {
            throw SeckillError(.invalid, "an order is of a later epoch than its sale")
        }
    }

    private func add(
        _ reservation: Reservation,
        _ reason: RejectionReason?,
        to orders: OrderTable,
        at now: Timestamp
    ) throws -> Order {
        let order = Order(
            id: reservation.order,
            user: reservation.user,
            status: reason == nil ? .awaitingPayment : .rejected,
            sequence: reservation.sequence,
            payBy: reason == nil ? now + record.sale.paymentWindow : nil,
            reason: reason
        )
        var row = OrderRow(
            order: order,
            recordedEpoch: record.epoch,
            reservedAt: reservation.reservedAt,
            recordedAt: now
        )
        row.key = try orders.insert(row, in: key)
        ordersSeal &+= row.seal
        sums.count(order)
        // A unit of an epoch that is over was counted back in when the next one began.
        guard order.id.epoch == record.epoch else { return order }
        record.sequence = max(record.sequence, order.sequence)
        if reason != nil { try addReturn(units: 1, purchase: row.key) }
        return order
    }

    /// The compare-and-set that payment, cancellation and expiry race for.
    private func settle(_ row: OrderRow, as status: OrderStatus, at now: Timestamp) throws -> Order {
        let statement = try db.cachedStatement(
            sql: "UPDATE purchase SET status = ?, settled_at = ? WHERE key = ? AND status = 'awaiting_payment'"
        )
        try statement.execute(arguments: [status.rawValue, now.milliseconds, row.key])
        guard db.changesCount == 1 else { throw LedgerDamage(what: "order \(row.order.id)") }
        sums.add(-1, to: .awaitingPayment)
        sums.add(1, to: status)
        var order = row.order
        order.status = status
        return order
    }
}

extension SaleTotals {
    /// Counts an order that was recorded.
    mutating func count(_ order: Order) {
        add(1, to: order.status)
        if order.reason == .undeliverable { deadLettered += 1 }
    }

    /// Counts `change` orders more in `status`.
    mutating func add(_ change: Int, to status: OrderStatus) {
        switch status {
        case .queued: break
        case .awaitingPayment: awaiting += change
        case .paid: paid += change
        case .expired: expired += change
        case .cancelled: cancelled += change
        case .rejected: rejected += change
        }
    }
}

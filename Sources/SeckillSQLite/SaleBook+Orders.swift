internal import GRDB
internal import SeckillCore

/// What may become of orders. The caller holds the write transaction and saves the book afterwards.
extension SaleBook {
    /// The last guard.
    func record(_ reservation: Reservation, in orders: OrderTable, at now: Timestamp) throws -> Order {
        try checkEpoch(of: reservation)
        let hash: Int64
        switch try orders.place(of: reservation.order, in: key) {
        case .row(let key): return try OrderRow.at(key, db).order
        case .free(let free): hash = free
        }
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
        return try add(reservation, reason, under: hash, to: orders, at: now)
    }

    /// Records as rejected, unless there is a row.
    func reject(
        _ reservation: Reservation,
        because reason: RejectionReason,
        in orders: OrderTable,
        at now: Timestamp
    ) throws -> Order {
        try checkEpoch(of: reservation)
        switch try orders.place(of: reservation.order, in: key) {
        case .row(let key): return try OrderRow.at(key, db).order
        case .free(let hash): return try add(reservation, reason, under: hash, to: orders, at: now)
        }
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
        let order = try settle(row, as: .cancelled, at: now)
        try addReturn(units: 1, purchase: row.key)
        return .done(order)
    }

    /// Ends an order whose deadline has passed and sends its unit back. Nil if it no longer awaits payment.
    func expire(_ row: OrderRow, at now: Timestamp) throws -> Order? {
        guard let order = try change(row, to: .expired, at: now) else { return nil }
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
        under hash: Int64,
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
        row.key = try orders.insert(row, hash: hash, in: key)
        ordersSeal &+= row.seal
        sums.count(order)
        record.orders += 1
        // A unit of an epoch that is over was counted back in when the next one began.
        guard order.id.epoch == record.epoch else { return order }
        record.sequence = max(record.sequence, order.sequence)
        record.recorded += 1
        if reason != nil { try addReturn(units: 1, purchase: row.key) }
        return order
    }

    /// Settles an order that was read in this transaction.
    private func settle(_ row: OrderRow, as status: OrderStatus, at now: Timestamp) throws -> Order {
        guard let order = try change(row, to: status, at: now) else {
            throw LedgerDamage(what: "order \(row.order.id)")
        }
        return order
    }

    /// Nil if the order no longer awaits payment.
    private func change(_ row: OrderRow, to status: OrderStatus, at now: Timestamp) throws -> Order? {
        guard try settlements().settle(row.key, as: status, at: now) else { return nil }
        sums.add(-1, to: .awaitingPayment)
        sums.add(1, to: status)
        var order = row.order
        order.status = status
        return order
    }
}

extension SaleTotals {
    /// Orders that have a row.
    var orders: Int { awaiting + paid + expired + cancelled + rejected }

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

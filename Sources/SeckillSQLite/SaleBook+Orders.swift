internal import GRDB
internal import SeckillCore

/// What may become of orders. The caller holds the write transaction and saves the book afterwards.
extension SaleBook {
    /// The last guard.
    func record(_ reservation: Reservation, at now: Timestamp) throws -> Order {
        try checkEpoch(of: reservation)
        let idHash = Fingerprint.of(reservation.order.text)
        let userHash = Fingerprint.of(reservation.user.text)
        if let row = try find(reservation.order, idHash) { return row.order }
        if reservation.order.epoch < record.epoch { return try add(reservation, idHash, userHash, .lost, at: now) }
        if sums.awaiting + sums.paid >= record.stock {
            return try add(reservation, idHash, userHash, .soldOut, at: now)
        }
        if try live(of: reservation.user, userHash) >= record.sale.limitPerUser {
            return try add(reservation, idHash, userHash, .limitReached, at: now)
        }
        return try add(reservation, idHash, userHash, nil, at: now)
    }

    /// Records as rejected, unless there is a row.
    func reject(_ reservation: Reservation, because reason: RejectionReason, at now: Timestamp) throws -> Order {
        try checkEpoch(of: reservation)
        let idHash = Fingerprint.of(reservation.order.text)
        if let row = try find(reservation.order, idHash) { return row.order }
        return try add(reservation, idHash, Fingerprint.of(reservation.user.text), reason, at: now)
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

    /// The order's row.
    func find(_ id: OrderID) throws -> OrderRow? { try find(id, Fingerprint.of(id.text)) }

    private func find(_ id: OrderID, _ hash: Int64) throws -> OrderRow? {
        let statement = try db.cachedStatement(
            sql: "SELECT \(OrderRow.columns) FROM purchase WHERE sale = ? AND id_hash = ? AND id = ?"
        )
        return try Row.fetchOne(statement, arguments: [key, hash, id.text]).map(OrderRow.init)
    }

    private func live(of user: UserID, _ hash: Int64) throws -> Int {
        let statement = try db.cachedStatement(
            sql: "SELECT count(*) FROM purchase WHERE sale = ? AND user_hash = ? AND live = 1 AND user = ?"
        )
        return try Int.fetchOne(statement, arguments: [key, hash, user.text]) ?? 0
    }

    private func add(
        _ reservation: Reservation,
        _ idHash: Int64,
        _ userHash: Int64,
        _ reason: RejectionReason?,
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
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO purchase (id, id_hash, sale, user, user_hash, epoch, recorded_epoch, sequence, status,
                    reason, reserved_at, recorded_at, pay_by)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(
            arguments: [
                order.id.text, idHash, key, order.user.text, userHash, order.id.epoch, record.epoch, order.sequence,
                order.status.rawValue, reason?.rawValue, reservation.reservedAt.milliseconds, now.milliseconds,
                order.payBy?.milliseconds,
            ]
        )
        ordersSeal &+= OrderRow.seal(
            of: order,
            recordedEpoch: record.epoch,
            reservedAt: reservation.reservedAt,
            recordedAt: now
        )
        sums.add(1, to: order.status)
        if reason == .undeliverable { sums.deadLettered += 1 }
        // A unit of an epoch that is over was counted back in when the next one began.
        guard order.id.epoch == record.epoch else { return order }
        record.sequence = max(record.sequence, order.sequence)
        if reason != nil { try addReturn(units: 1, purchase: db.lastInsertedRowID) }
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

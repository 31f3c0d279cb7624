/// The stock of one sale in one epoch, and every rule of a reservation. A plain value; whoever owns it locks it.
///
/// All stores that keep their counts in this process are built on it, so the rules are written once.
package struct SaleStock: Sendable {
    package private(set) var terms: SaleTerms
    package let epoch: Int
    package private(set) var remaining: Int
    package private(set) var sequence = 0
    package private(set) var version: Int
    /// False once a tripwire has gone off: nothing is reserved or given back until a rebuild replaces this value.
    package var isTrusted = true
    package var outbox = OrderBacklog()
    private var orders = OrderTable()
    private var held: [UserID: Int]
    private var returned: Set<String> = []

    package init(_ stock: InstalledStock) {
        terms = stock.terms
        epoch = stock.epoch
        remaining = stock.remaining
        held = stock.held
        version = StockSnapshot.firstVersion(of: stock.epoch)
    }

    package var snapshot: StockSnapshot {
        StockSnapshot(
            epoch: epoch,
            remaining: remaining,
            pending: outbox.count,
            sequence: sequence,
            version: version,
            revision: terms.revision
        )
    }

    package func reservation(of order: OrderID) -> Reservation? { orders[order] }

    /// Decides by the contract of ``StockStore/reserve(_:for:)``, and takes the unit if the decision is `reserved`.
    package mutating func reserve(
        _ order: OrderID,
        for user: UserID,
        outboxLimit: Int,
        clock: any SaleClock
    ) throws(SeckillError) -> ReserveOutcome {
        guard isTrusted else { throw .notInstalled }
        if let known = orders[order] { return .alreadyReserved(sequence: known.sequence) }
        guard order.epoch == epoch else {
            if order.epoch < epoch { return .stale }
            throw SeckillError(.unavailable, "the order is of a later epoch than the stock")
        }
        let now = clock.now
        if terms.admission == .closed || terms.closesAt.map({ now >= $0 }) ?? false { return .closed }
        if terms.admission == .paused { return .paused }
        if now < terms.opensAt { return .notOpen(opensAt: terms.opensAt) }
        guard remaining > 0 else { return .soldOut(version: version) }
        guard outbox.count < outboxLimit else {
            throw SeckillError(
                .overloaded,
                "\(outboxLimit) orders wait for the ledger; try again when it has caught up"
            )
        }
        guard Self.countOne(more: &held[user, default: 0], upTo: terms.limitPerUser) else { return .limitReached }
        take(Reservation(order: order, user: user, sequence: sequence + 1, reservedAt: now), at: clock.uptime)
        return .reserved(sequence: sequence)
    }

    /// One look-up for both. The limit is at least one, so a refusal leaves no entry behind for a user without orders.
    private static func countOne(more count: inout Int, upTo limit: Int) -> Bool {
        guard count < limit else { return false }
        count += 1
        return true
    }

    private mutating func take(_ reservation: Reservation, at uptime: Duration) {
        sequence = reservation.sequence
        remaining -= 1
        orders.insert(reservation)
        outbox.append(reservation, at: uptime)
    }

    package mutating func giveBack(_ units: StockReturn) -> GiveBackOutcome {
        guard isTrusted, units.epoch == epoch else { return .refused }
        guard returned.insert(units.id).inserted else { return .alreadyApplied }
        remaining += units.units
        version += 1
        if let user = units.user, let count = held[user] { held[user] = count > 1 ? count - 1 : nil }
        return .applied
    }

    package mutating func update(_ terms: SaleTerms) {
        if terms.revision > self.terms.revision { self.terms = terms }
    }
}

extension SeckillError {
    /// The store cannot vouch for the sale.
    package static let notInstalled = SeckillError(
        .unavailable,
        "the stock of this sale is not installed; it will be once the ledger answers"
    )
}

/// The stock of one sale in one epoch, and every rule of a reservation. A plain value; whoever owns it locks it.
///
/// All stores that keep their counts in this process are built on it, so the rules are written once.
package struct SaleStock: Sendable {
    package private(set) var terms: SaleTerms
    package let epoch: Int
    package private(set) var remaining: Int
    package private(set) var version: Int
    /// False once a tripwire has gone off: nothing is reserved or given back until a rebuild replaces this value.
    package var isTrusted = true
    package private(set) var orders: SaleOrders
    /// Returns applied that are no order's of this epoch: restocks, and orders that an earlier epoch began.
    package private(set) var otherReturns = ByteTable()
    private var outbox = Outbox()

    package init(_ stock: InstalledStock) {
        terms = stock.terms
        epoch = stock.epoch
        remaining = stock.remaining
        version = StockSnapshot.firstVersion(of: stock.epoch)
        orders = SaleOrders(sale: stock.terms.sale, epoch: stock.epoch)
        for (user, count) in stock.held { orders.setLiveOrders(of: user, to: count) }
    }

    /// The last sequence given out.
    package var sequence: Int { orders.count }

    package var snapshot: StockSnapshot {
        StockSnapshot(
            epoch: epoch,
            remaining: remaining,
            pending: outbox.pending,
            sequence: sequence,
            version: version,
            revision: terms.revision
        )
    }

    package func reservation(of order: OrderID) -> Reservation? {
        orders.sequence(of: order.text).map(orders.reservation(at:))
    }

    /// Decides by the contract of ``StockStore/reserve(_:for:)``, and takes the unit if the decision is `reserved`.
    ///
    /// `admit` has the last word before a unit is taken; refusals do not ask it.
    package mutating func reserve(
        _ order: OrderID,
        for user: UserID,
        outboxLimit: Int,
        clock: any SaleClock,
        admit: () throws(SeckillError) -> Void = {}
    ) throws(SeckillError) -> ReserveOutcome {
        guard isTrusted else { throw .notInstalled }
        if let known = orders.sequence(of: order.text) { return .alreadyReserved(sequence: known) }
        guard order.epoch == epoch else {
            if order.epoch < epoch { return .stale }
            throw SeckillError(.unavailable, "the order is of a later epoch than the stock")
        }
        let now = clock.now
        if terms.admission == .closed || terms.closesAt.map({ now >= $0 }) ?? false { return .closed }
        if terms.admission == .paused { return .paused }
        if now < terms.opensAt { return .notOpen(opensAt: terms.opensAt) }
        guard remaining > 0 else { return .soldOut(version: version) }
        guard orders.liveOrders(of: user) < terms.limitPerUser else { return .limitReached }
        guard outbox.pending < outboxLimit else {
            throw SeckillError(
                .overloaded,
                "\(outboxLimit) orders wait for the ledger; try again when it has caught up"
            )
        }
        try admit()
        take(order, for: user, at: now)
        return .reserved(sequence: sequence)
    }

    /// Takes a unit without asking: for what has been decided before.
    package mutating func take(_ order: OrderID, for user: UserID, at moment: Timestamp) {
        remaining -= 1
        orders.append(order, for: user, at: moment)
        outbox.pending += 1
    }

    package mutating func giveBack(_ units: StockReturn) -> GiveBackOutcome {
        guard isTrusted, units.epoch == epoch else { return .refused }
        guard rememberReturn(units.id) else { return .alreadyApplied }
        remaining += units.units
        version += 1
        if let user = units.user {
            let live = orders.liveOrders(of: user)
            if live > 0 { orders.setLiveOrders(of: user, to: live - 1) }
        }
        return .applied
    }

    private mutating func rememberReturn(_ id: String) -> Bool {
        if let sequence = orders.sequence(of: id) {
            defer { orders[sequence].isReturned = true }
            return !orders[sequence].isReturned
        }
        var id = id
        return id.withUTF8 { bytes in
            let hash = ByteTable.hash(bytes)
            guard otherReturns.number(of: bytes, hash: hash) == nil else { return false }
            otherReturns.insert(bytes, hash: hash)
            return true
        }
    }

    package mutating func update(_ terms: SaleTerms) {
        if terms.revision > self.terms.revision { self.terms = terms }
    }
}

// MARK: The outbox

extension SaleStock {
    /// Which orders are on their way to the ledger: those not settled; they wait from `next` on, and before it some
    /// consumer holds them. An entry's receipt is its sequence.
    private struct Outbox: Sendable {
        struct Held: Sendable {
            var since: Duration
            var deliveries: Int
        }

        var pending = 0
        var next = 1
        var held: [Int: Held] = [:]
        var aside = 0
    }

    /// Whether a consumer would get anything now.
    package func hasWaiting(through last: Int = .max) -> Bool { firstWaiting(through: last) != nil }

    /// Hands out the next entries, none of them behind `last`.
    package mutating func receive(_ max: Int, through last: Int = .max, at now: Duration) -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < max, outbox.next <= min(sequence, last) {
            if !orders[outbox.next].isSettled { deliveries.append(hand(outbox.next, at: now)) }
            outbox.next += 1
        }
        return deliveries
    }

    package mutating func takeOver(_ max: Int, idle: Duration, at now: Duration) -> [Delivery] {
        let idling = outbox.held.filter { now - $0.value.since >= idle }
        return idling.keys.sorted().prefix(max).map { hand($0, at: now) }
    }

    /// Removes an entry that a consumer holds. False if there is none.
    @discardableResult
    package mutating func acknowledge(_ receipt: String) -> Bool {
        guard let sequence = Int(receipt), outbox.held.removeValue(forKey: sequence) != nil else { return false }
        settle(sequence)
        return true
    }

    /// Removes an entry that a consumer holds, for a person to look at. False if there is none.
    @discardableResult
    package mutating func putAside(_ receipt: String) -> Bool {
        guard acknowledge(receipt) else { return false }
        outbox.aside += 1
        return true
    }

    private mutating func settle(_ sequence: Int) {
        orders[sequence].isSettled = true
        outbox.pending -= 1
    }

    package func depth(at now: Timestamp) -> QueueDepth {
        let oldest = [outbox.held.keys.min(), firstWaiting()].compactMap(\.self).min()
        let age = oldest.map { max(.zero, now - orders[$0].reservedAt) } ?? .zero
        return QueueDepth(count: outbox.pending, age: age, deadLettered: outbox.aside)
    }

    /// Every entry not yet acknowledged, oldest first; they stay.
    package var unsettled: [Reservation] {
        let waiting = (outbox.next..<sequence + 1).filter { !orders[$0].isSettled }
        return (outbox.held.keys.sorted() + waiting).map(orders.reservation(at:))
    }

    private func firstWaiting(through last: Int = .max) -> Int? {
        guard outbox.pending > outbox.held.count, outbox.next <= min(sequence, last) else { return nil }
        return (outbox.next...min(sequence, last)).first { !orders[$0].isSettled }
    }

    private mutating func hand(_ sequence: Int, at now: Duration) -> Delivery {
        let deliveries = (outbox.held[sequence]?.deliveries ?? 0) + 1
        outbox.held[sequence] = Outbox.Held(since: now, deliveries: deliveries)
        return Delivery(
            receipt: String(sequence),
            content: .reservation(orders.reservation(at: sequence)),
            count: deliveries
        )
    }
}

extension SeckillError {
    /// The store cannot vouch for the sale.
    package static let notInstalled = SeckillError(
        .unavailable,
        "the stock of this sale is not installed; it will be once the ledger answers"
    )
}

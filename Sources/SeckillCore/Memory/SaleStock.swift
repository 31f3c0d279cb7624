/// The stock of one sale in one epoch, and every rule of a reservation. A plain value; whoever owns it locks it.
///
/// All stores that keep their counts in this process are built on it, so the rules are written once.
package struct SaleStock: Sendable {
    package private(set) var terms: SaleTerms
    package let epoch: Int
    package internal(set) var remaining: Int
    package private(set) var version: Int
    /// Rows that the ledger had of the sale when this epoch began.
    package let ordersBefore: Int
    /// Units given back in this epoch.
    package internal(set) var returned = 0
    /// False once a tripwire has gone off: nothing is reserved or given back until a rebuild replaces this value.
    package var isTrusted = true
    /// Not trusted only because it was brought back from a file and nobody has compared it with the ledger since.
    package var awaitsClaim = false
    package internal(set) var orders: SaleOrders
    /// Returns applied that are no order's of this epoch: restocks, and orders that an earlier epoch began.
    var otherReturns = ByteTable()
    var outbox = Outbox()

    package init(_ stock: InstalledStock) {
        self.init(
            stock.terms,
            epoch: stock.epoch,
            remaining: stock.remaining,
            version: StockSnapshot.firstVersion(of: stock.epoch),
            ordersBefore: stock.orders
        )
        for (user, count) in stock.held {
            orders.setLiveOrders(of: orders.add(SaleOrders.Buyer(user)), to: count)
        }
    }

    init(_ terms: SaleTerms, epoch: Int, remaining: Int, version: Int, ordersBefore: Int = 0) {
        self.ordersBefore = ordersBefore
        self.terms = terms
        self.epoch = epoch
        self.remaining = remaining
        self.version = version
        orders = SaleOrders(sale: terms.sale, epoch: epoch)
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
            revision: terms.revision,
            settled: sequence - outbox.pending,
            returned: returned
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
        for buyer: SaleOrders.Buyer,
        at now: Timestamp,
        outboxLimit: Int,
        admit: () throws(SeckillError) -> Void = {}
    ) throws(SeckillError) -> ReserveOutcome {
        guard isTrusted else { throw .notInstalled }
        if let known = orders.sequence(of: order.text) { return .alreadyReserved(sequence: known) }
        guard order.epoch == epoch else {
            if order.epoch < epoch { return .stale }
            throw SeckillError(.unavailable, "the order is of a later epoch than the stock")
        }
        if terms.admission == .closed || terms.closesAt.map({ now >= $0 }) ?? false { return .closed }
        if terms.admission == .paused { return .paused }
        if now < terms.opensAt { return .notOpen(opensAt: terms.opensAt) }
        guard remaining > 0 else { return .soldOut(version: version) }
        let known = orders.number(of: buyer)
        guard known.map(orders.liveOrders) ?? 0 < terms.limitPerUser else { return .limitReached }
        guard outbox.pending < outboxLimit else {
            throw SeckillError(
                .overloaded,
                "\(outboxLimit) orders wait for the ledger; try again when it has caught up"
            )
        }
        try admit()
        remaining -= 1
        orders.append(order, for: known ?? orders.add(buyer), at: now)
        outbox.pending += 1
        return .reserved(sequence: sequence)
    }

    package mutating func giveBack(_ units: StockReturn) -> GiveBackOutcome {
        guard isTrusted, units.epoch == epoch, canTake(units) else { return .refused }
        guard rememberReturn(units.id) else { return .alreadyApplied }
        remaining += units.units
        returned += units.units
        version += 1
        if let user = units.user {
            let known = orders.number(of: SaleOrders.Buyer(user))
            if let known, orders.liveOrders(of: known) > 0 {
                orders.setLiveOrders(of: known, to: orders.liveOrders(of: known) - 1)
            }
        }
        return .applied
    }

    /// Whether the counts have room for it, and the id for being stored. The ledger's returns always fit.
    private func canTake(_ units: StockReturn) -> Bool {
        (1...OrderID.maxBytes).contains(units.id.utf8.count) && units.units >= 1
            && units.units <= Self.maxUnits - remaining && version + 1 < StockSnapshot.firstVersion(of: epoch + 1)
    }

    /// Whether a return of this id has been applied.
    package func hasApplied(_ id: String) -> Bool {
        if let sequence = orders.sequence(of: id) { return orders[sequence].isReturned }
        var id = id
        return id.withUTF8 { otherReturns.number(of: $0, hash: ByteTable.hash($0)) != nil }
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

    /// What ``StockStore/claim(_:identity:lifetime:)`` answers before it looks at leases: ``ClaimOutcome/current``,
    /// ``ClaimOutcome/ahead(epoch:orders:)``, or nil where a rebuild is due.
    package func compare(with record: SaleRecord, isTrusted: Bool) -> ClaimOutcome? {
        let settled = sequence - outbox.pending
        var orders = ordersBefore + settled
        if epoch == record.epoch { orders = max(orders, record.orders + settled - record.recorded) }
        if epoch > record.epoch || epoch >= record.restoredEpoch && orders > record.orders {
            return .ahead(epoch: epoch, orders: orders)
        }
        let agrees = epoch == record.epoch && sequence >= record.sequence && snapshot.installed == record.installed
        return isTrusted && agrees ? .current : nil
    }

    /// Up to `limit` entries of the outbox from behind `cursor`, the sequence of the entry read last.
    package func drain(after cursor: String?, limit: Int) -> DrainPage {
        var next = max((cursor.flatMap { Int($0) } ?? 0) + 1, outbox.oldest)
        // Looks at more entries than it returns, most of which may be settled, but at a bounded number.
        let end = min(sequence, next + 16 * limit)
        var found: [Reservation] = []
        while next <= end, found.count < limit {
            if !orders[next].isSettled { found.append(orders.reservation(at: next)) }
            next += 1
        }
        return DrainPage(found, next: next <= sequence ? String(next - 1) : nil)
    }

    package mutating func update(_ terms: SaleTerms) {
        if terms.revision > self.terms.revision { self.terms = terms }
    }
}

extension InstalledStock {
    /// - Throws: ``SeckillError`` of code `damaged` if no intact ledger can have said this.
    package func check() throws(SeckillError) {
        try StockSnapshot.check(epoch: epoch)
        guard epoch >= 0, terms.isSound, (0...SaleStock.maxUnits).contains(remaining), orders >= 0,
            held.values.allSatisfy({ (0...SaleStock.maxUnits).contains($0) })
        else { throw SeckillError(.damaged, "the ledger's counts of this sale are out of their range") }
    }
}

extension SaleTerms {
    /// Whether the numbers can be those of a ledger.
    package var isSound: Bool { limitPerUser >= 0 && revision >= 0 }
}

extension SeckillError {
    /// The store cannot vouch for the sale.
    package static let notInstalled = SeckillError(
        .unavailable,
        "the stock of this sale is not installed; it will be once the ledger answers"
    )
}

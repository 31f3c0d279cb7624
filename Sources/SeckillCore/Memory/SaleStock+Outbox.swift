extension SaleStock {
    /// Which orders are on their way to the ledger: those not settled; they wait from `next` on, and before it some
    /// consumer holds them. An entry's receipt is its sequence.
    struct Outbox: Sendable {
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

    /// Removes what was delivered, for good or for a person to look at. Its sequence; nil if it is gone, or of an epoch
    /// that is over and whose receipts mean other entries now.
    @discardableResult
    package mutating func settle(_ delivery: Delivery, aside: Bool) -> Int? {
        guard case .reservation(let reservation) = delivery.content, reservation.order.epoch == epoch,
            let sequence = Int(delivery.receipt)
        else { return nil }
        return settle(sequence, aside: aside) ? sequence : nil
    }

    /// Removes an entry, whether or not a consumer holds it. False if it is gone or there is no such order.
    @discardableResult
    package mutating func settle(_ sequence: Int, aside: Bool) -> Bool {
        guard (1..<self.sequence + 1).contains(sequence), !orders[sequence].isSettled else { return false }
        orders[sequence].isSettled = true
        outbox.held[sequence] = nil
        outbox.pending -= 1
        if aside { outbox.aside += 1 }
        return true
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

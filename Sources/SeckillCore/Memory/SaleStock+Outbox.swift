internal import DequeModule

extension SaleStock {
    /// The orders on their way to the ledger: those that are not settled. An entry's receipt is its sequence.
    ///
    /// **Cost**: constant for each entry that is handed out or settled, however many wait or are held. What looks at more
    /// than one entry steps over each of them once in its life.
    struct Outbox: Sendable {
        struct Handed: Sendable {
            var sequence: Int
            var since: Duration
        }

        /// Entries that are not settled.
        var pending = 0
        /// The first entry that waits: no consumer has ever held it. One behind the last sequence if none waits.
        var next = 1
        /// The first entry that is not settled. One behind the last sequence if there is none.
        var oldest = 1
        /// What was handed out, in the order of that. Some of it has been settled since; each other entry is in it once.
        var handed = Deque<Handed>()
        /// Entries that were moved aside.
        var aside = 0
    }

    /// Whether entries are waiting, or held by consumers.
    package var hasPending: Bool { outbox.pending > 0 }

    /// Whether a consumer would get anything now.
    package func hasWaiting(through last: Int = .max) -> Bool { outbox.next <= min(sequence, last) }

    /// Hands out the next entries, none of them behind `last`.
    package mutating func receive(_ max: Int, through last: Int = .max, at now: Duration) -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < max, hasWaiting(through: last) {
            deliveries.append(hand(outbox.next, at: now))
            outbox.next += 1
            skipSettled()
        }
        return deliveries
    }

    /// Hands out again what has been held for `idle` or longer, the longest held first.
    package mutating func takeOver(_ max: Int, idle: Duration, at now: Duration) -> [Delivery] {
        var taken: [Int] = []
        while taken.count < max, let first = outbox.handed.first, now - first.since >= idle {
            outbox.handed.removeFirst()
            if !orders[first.sequence].isSettled { taken.append(first.sequence) }
        }
        return taken.sorted().map { hand($0, at: now) }
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
        guard sequence >= 1, sequence <= self.sequence, !orders[sequence].isSettled else { return false }
        orders[sequence].isSettled = true
        outbox.pending -= 1
        if aside { outbox.aside += 1 }
        skipSettled()
        return true
    }

    package func depth(at now: Timestamp) -> QueueDepth {
        let age = hasPending ? max(.zero, now - orders[outbox.oldest].reservedAt) : .zero
        return QueueDepth(count: outbox.pending, age: age, deadLettered: outbox.aside)
    }

    /// Every entry not yet acknowledged, oldest first; they stay.
    package var unsettled: [Reservation] {
        (outbox.oldest..<sequence + 1).filter { !orders[$0].isSettled }.map(orders.reservation(at:))
    }

    /// Moves everything that points to an entry on to one that is not settled.
    mutating func skipSettled() {
        while outbox.oldest <= sequence, orders[outbox.oldest].isSettled { outbox.oldest += 1 }
        while outbox.next <= sequence, orders[outbox.next].isSettled { outbox.next += 1 }
        while let first = outbox.handed.first, orders[first.sequence].isSettled { outbox.handed.removeFirst() }
    }

    private mutating func hand(_ sequence: Int, at now: Duration) -> Delivery {
        let deliveries = orders.countDelivery(of: sequence)
        outbox.handed.append(Outbox.Handed(sequence: sequence, since: now))
        return Delivery(
            receipt: String(sequence),
            content: .reservation(orders.reservation(at: sequence)),
            count: deliveries
        )
    }
}

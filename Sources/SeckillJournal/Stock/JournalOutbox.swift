internal import SeckillCore

/// The outboxes of all sales of one store, as one source.
///
/// Hands out what is durable and nothing else: an order that reached the ledger before the disk would be there after a
/// crash while its unit is on sale again. Acknowledgements do not wait for the disk: one that is lost means a delivery
/// that is repeated, and recording it again changes nothing.
struct JournalOutbox: OrderSource {
    let store: JournalStockStore

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try Task.checkCancellation()
        let deliveries = receiveNow(max)
        guard deliveries.isEmpty, wait > .zero else { return deliveries }
        try await store.arrivals.wait(upTo: wait, by: store.clock) { hasWaiting }
        return receiveNow(max)
    }

    private func receiveNow(_ max: Int) -> [Delivery] {
        let now = store.clock.uptime
        let durable = store.journal.durableTicket
        return collect(max) { $0.stock.receive($1, through: $0.commits.durableSequence(by: durable), at: now) }
    }

    private var hasWaiting: Bool {
        let durable = store.journal.durableTicket
        return store.book.withLock { book in
            book.sales.keys.contains { sale in
                book.with(sale) { $0.stock.hasWaiting(through: $0.commits.durableSequence(by: durable)) } == true
            }
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        let now = store.clock.uptime
        return collect(max) { $0.stock.takeOver($1, idle: idle, at: now) }
    }

    /// Entries of every sale, each with its share of the batch first, so that none starves behind a busy one.
    private func collect(_ max: Int, _ take: (inout StockBook.Entry, Int) -> [Delivery]) -> [Delivery] {
        store.book.withLock { book in
            guard !book.sales.isEmpty else { return [] }
            var deliveries: [Delivery] = []
            for share in [Swift.max(1, max / book.sales.count), max] {
                for sale in book.sales.keys where deliveries.count < max {
                    deliveries += book.with(sale) { take(&$0, min(share, max - deliveries.count)) } ?? []
                }
            }
            return deliveries
        }
    }

    func acknowledge(_ deliveries: [Delivery]) async throws { settle(deliveries, aside: false) }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws { settle([delivery], aside: true) }

    private func settle(_ deliveries: [Delivery], aside: Bool) {
        store.book.withLock { book in
            var settled: [SaleID: [Int]] = [:]
            for delivery in deliveries {
                guard case .reservation(let reservation) = delivery.content else { continue }
                let sale = reservation.order.sale
                guard let sequence = book.with(sale, { $0.stock.settle(delivery, aside: aside) }) ?? nil else {
                    continue
                }
                settled[sale, default: []].append(sequence)
            }
            for (sale, sequences) in settled {
                guard let epoch = book.sales[sale]?.stock.epoch else { continue }
                _ = store.journal.append { $0.append(settled: sequences, of: sale, epoch: epoch, aside: aside) }
            }
        }
        store.journal.flushSoon()
    }

    func depth() async throws -> QueueDepth {
        let now = store.clock.now
        return store.book.withLock { book in
            book.sales.values.reduce(into: QueueDepth(count: 0, age: .zero, deadLettered: 0)) { sum, entry in
                let depth = entry.stock.depth(at: now)
                sum.count += depth.count
                sum.age = max(sum.age, depth.age)
                sum.deadLettered += depth.deadLettered
            }
        }
    }
}

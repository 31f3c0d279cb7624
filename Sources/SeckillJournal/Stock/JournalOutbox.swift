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
        return collect(max) { stock, desk, max in
            let last = desk.commits.durableSequence(of: stock.terms.sale, by: durable)
            return stock.receive(max, through: last, at: now)
        }
    }

    private var hasWaiting: Bool {
        let durable = store.journal.durableTicket
        return store.shelf.containsPending { stock in
            stock.hasWaiting(
                through: store.desk.withLock { $0.commits.durableSequence(of: stock.terms.sale, by: durable) }
            )
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        let now = store.clock.uptime
        return collect(max) { stock, _, max in stock.takeOver(max, idle: idle, at: now) }
    }

    private func collect(
        _ max: Int,
        _ take: (inout SaleStock, inout JournalStockStore.Desk, Int) -> [Delivery]
    ) -> [Delivery] {
        store.shelf.collect(max) { stock, max in
            var deliveries: [Delivery] = []
            store.desk.withLock { deliveries = take(&stock, &$0, max) }
            return deliveries
        }
    }

    func acknowledge(_ deliveries: [Delivery]) async throws { settle(deliveries, aside: false) }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws { settle([delivery], aside: true) }

    private func settle(_ deliveries: [Delivery], aside: Bool) {
        store.withLock { sales, _ in
            var settled: [SaleID: [Int]] = [:]
            for delivery in deliveries {
                guard case .reservation(let reservation) = delivery.content,
                    let sequence = sales.with(reservation.order.sale, { $0.settle(delivery, aside: aside) }) ?? nil
                else { continue }
                settled[reservation.order.sale, default: []].append(sequence)
            }
            for (sale, sequences) in settled.sorted(by: { $0.key.text < $1.key.text }) {
                guard let epoch = sales[sale]?.epoch else { continue }
                _ = store.journal.append { $0.append(settled: sequences, of: sale, epoch: epoch, aside: aside) }
            }
        }
        store.journal.flushSoon()
    }

    func depth() async throws -> QueueDepth { store.shelf.depth(at: store.clock.now) }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite struct BrokenOrderSourceTests {
    private func suite(_ mistake: BrokenSource.Mistake) -> OrderQueueConformance {
        OrderQueueConformance { BrokenSource($0, mistake) }
    }

    @Test func withoutItsMistakeItIsRight() async throws { try await suite(.none).run() }

    @Test func theDead() async throws {
        let taken = "what a consumer has held too long is taken over, and counted as delivered once more"
        try await expect(suite(.losesWhatTheDeadHold), breaks: taken)
        try await expect(suite(.forgetsToCount), breaks: taken)
        try await expect(suite(.ignoresIdle), breaks: taken)
        let end = "whoever dies with whatever in hand, every order is acknowledged in the end"
        try await expect(suite(.losesWhatTheDeadHold), breaks: end)
        try await expect(suite(.acknowledgesOnReceipt), breaks: end)
        let back = "a consumer back from the dead may acknowledge what another took over"
        try await expect(suite(.onlyTheHolderAcknowledges), breaks: back)
        let own = "what a consumer itself has held too long comes to it again"
        try await expect(suite(.passesOverItsOwn), breaks: own)
        let late = "the late acknowledgement of one order leaves the orders that came since"
        try await expect(suite(.usesReceiptsAgain), breaks: late)
    }

    @Test func settling() async throws {
        try await expect(
            suite(.deadLettersComeBack),
            breaks: "a dead letter is moved aside, once, and not delivered again"
        )
        let depth = "the depth counts what waits and what is held, and tells the age of the oldest"
        try await expect(suite(.countsWhatWaits), breaks: depth)
    }

    @Test func waiting() async throws {
        try await expect(suite(.sleepsThroughArrivals), breaks: "an arrival ends the wait")
        try await expect(suite(.holdsForTheCancelled), breaks: "a cancelled consumer holds nothing")
    }

    @Test func turns() async throws {
        struct Store: DecoratedStore {
            let base: any StockStore
            let outbox: any OrderSource
        }
        let suite = OutboxConformance { clock in
            let base = MemoryStockStore(clock: clock)
            return Store(base: base, outbox: SaleAfterSale(base: base.outbox))
        }
        try await expect(suite, breaks: "of batches of one, every sale with a backlog gets its turn")
    }

    @Test func anAcknowledgementAcrossEpochs() async throws {
        struct Store: DecoratedStore {
            let base: any StockStore
            var outbox: any OrderSource { EpochlessOutbox(base: base.outbox, store: base) }
        }
        let suite = OutboxConformance { Store(base: MemoryStockStore(clock: $0)) }
        let late = "a late acknowledgement of an epoch that is over hits no entry of the next"
        try await expect(suite, breaks: late)
    }
}

/// Begins with the same sale each time.
private struct SaleAfterSale: DecoratedSource {
    let base: any OrderSource
    private let waiting = Locked<[Delivery]>([])

    init(base: any OrderSource) { self.base = base }

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        let arrived = try await base.receive(1_000_000, as: consumer, wait: wait)
        return waiting.withLock { waiting in
            waiting += arrived
            let first = waiting.filter { $0.reservation?.order.sale == SaleID("sample") }
            let batch = Array((first.isEmpty ? waiting : first).prefix(max))
            waiting.removeAll { batch.contains($0) }
            return batch
        }
    }
}

/// Acknowledges by receipt alone, in whatever epoch the sale is.
private struct EpochlessOutbox: DecoratedSource {
    let base: any OrderSource
    let store: any StockStore

    func acknowledge(_ deliveries: [Delivery]) async throws {
        var deliveries = deliveries
        for index in deliveries.indices {
            guard var reservation = deliveries[index].reservation,
                let epoch = try await store.snapshot(of: reservation.order.sale)?.epoch
            else { continue }
            var parts = reservation.order.text.split(separator: ".")
            parts[1] = "\(epoch)"
            reservation.order = OrderID(parts.joined(separator: "."))!
            deliveries[index].content = .reservation(reservation)
        }
        try await base.acknowledge(deliveries)
    }
}

/// A right queue behind one mistake.
private final class BrokenSource: OrderQueue {
    enum Mistake {
        case none
        case losesWhatTheDeadHold, forgetsToCount, ignoresIdle, acknowledgesOnReceipt, onlyTheHolderAcknowledges
        case passesOverItsOwn, usesReceiptsAgain, deadLettersComeBack, countsWhatWaits, sleepsThroughArrivals
        case holdsForTheCancelled
    }

    private struct Notes: Sendable {
        var holder: [String: Int] = [:]
        var owner: [String: ConsumerID] = [:]
        var held: Set<String> = []
        var receiptOf: [String: String] = [:]
        var dead: [Delivery] = []
    }

    private let base: MemoryOrderQueue
    private let clock: ManualClock
    private let mistake: Mistake
    private let notes = Locked(Notes())

    init(_ clock: ManualClock, _ mistake: Mistake) {
        base = MemoryOrderQueue(clock: clock)
        self.clock = clock
        self.mistake = mistake
    }

    func append(_ reservations: [Reservation]) async throws { try await base.append(reservations) }

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        switch mistake {
        case .sleepsThroughArrivals where wait > .zero:
            try await clock.sleep(for: wait)
            return try await base.receive(max, as: consumer, wait: .zero)
        case .holdsForTheCancelled:
            // As a blocking read does whose connection nobody tells of the cancellation.
            let read = Task { [base] in try await base.receive(max, as: consumer, wait: wait) }
            let deliveries = try await read.value
            try Task.checkCancellation()
            return deliveries
        default:
            return hand(try await base.receive(max, as: consumer, wait: wait), to: consumer)
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        if mistake == .losesWhatTheDeadHold { return [] }
        if mistake == .deadLettersComeBack {
            let dead = notes.withLock { $0.dead }
            return dead + (try await base.takeOver(max, idle: idle, as: consumer))
        }
        var taken = try await base.takeOver(max, idle: mistake == .ignoresIdle ? .zero : idle, as: consumer)
        if mistake == .forgetsToCount { for index in taken.indices { taken[index].count = 1 } }
        if mistake == .passesOverItsOwn {
            taken.removeAll { delivery in notes.withLock { $0.owner[delivery.receipt] == consumer } }
        }
        return hand(taken, to: consumer)
    }

    func acknowledge(_ deliveries: [Delivery]) async throws {
        switch mistake {
        case .onlyTheHolderAcknowledges:
            try await base.acknowledge(deliveries.filter { $0.count == notes.withLock(\.holder)[$0.receipt] })
        case .usesReceiptsAgain:
            try await base.acknowledge(deliveries.map(present))
        default:
            try await base.acknowledge(deliveries)
        }
        notes.withLock { $0.held.subtract(deliveries.map(\.receipt)) }
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        notes.withLock { $0.dead.append(delivery) }
        try await base.deadLetter(mistake == .usesReceiptsAgain ? present(delivery) : delivery, because: reason)
    }

    func depth() async throws -> QueueDepth {
        var depth = try await base.depth()
        if mistake == .countsWhatWaits { depth.count -= notes.withLock { $0.held.count } }
        return depth
    }

    private func hand(_ deliveries: [Delivery], to consumer: ConsumerID) -> [Delivery] {
        notes.withLock { notes in
            for delivery in deliveries {
                notes.holder[delivery.receipt] = delivery.count
                notes.owner[delivery.receipt] = consumer
                notes.held.insert(delivery.receipt)
            }
        }
        switch mistake {
        case .acknowledgesOnReceipt:
            let base = base
            Task { try await base.acknowledge(deliveries) }
            return deliveries
        case .usesReceiptsAgain:
            // Two slots for all: whoever acknowledges one acknowledges what is in it by then.
            return deliveries.map { delivery in
                var slot = delivery
                slot.receipt = "\((Int(delivery.receipt) ?? 0) % 2)"
                notes.withLock { $0.receiptOf[slot.receipt] = delivery.receipt }
                return slot
            }
        default:
            return deliveries
        }
    }

    private func present(_ delivery: Delivery) -> Delivery {
        var delivery = delivery
        delivery.receipt = notes.withLock { $0.receiptOf[delivery.receipt] } ?? delivery.receipt
        return delivery
    }
}

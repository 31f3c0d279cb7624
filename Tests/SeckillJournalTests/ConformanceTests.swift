import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("JournalStockStore keeps its contract") struct JournalStockStoreConformance {
    let suite = StockStoreConformance(outboxLimit: 1000) { clock in
        try await EmbeddedStores.open(on: SimulatedDisk(), clock: clock, outboxLimit: 1000).stock
    }

    @Test(arguments: StockStoreConformance.checks)
    func conforms(_ check: StockStoreConformance.Check) async throws { try await suite.run(check) }
}

@Suite("JournalStockStore's outbox keeps its contract") struct JournalOutboxConformance {
    let suite = OutboxConformance { clock in
        try await EmbeddedStores.open(on: SimulatedDisk(), clock: clock).stock
    }

    @Test(arguments: OutboxConformance.checks)
    func conforms(_ check: OutboxConformance.Check) async throws { try await suite.run(check) }
}

@Suite("JournalSessionStore keeps its contract") struct JournalSessionStoreConformance {
    let suite = SessionStoreConformance(limit: 200) { clock in
        try await EmbeddedStores.open(on: SimulatedDisk(), clock: clock, sessionLimit: 200).sessions
    }

    @Test(arguments: SessionStoreConformance.checks)
    func conforms(_ check: SessionStoreConformance.Check) async throws { try await suite.run(check) }
}

@Suite("The embedded stores keep their contracts on the machine's own disk") struct EmbeddedConformance {
    let directory = TemporaryDirectory()

    @Test func stock() async throws {
        let number = Counter()
        try await StockStoreConformance(clock: .system) { [directory] in
            try await EmbeddedStores.openPatiently(at: "\(directory.path)/\(number.next())").stock
        }
        .run()
    }

    @Test func sessions() async throws {
        let number = Counter()
        try await SessionStoreConformance(clock: .system) { [directory] in
            try await EmbeddedStores.openPatiently(at: "\(directory.path)/s\(number.next())").sessions
        }
        .run()
    }
}

private final class Counter: Sendable {
    private let count = Locked(0)
    func next() -> Int {
        count.withLock { count in
            count += 1; return count
        }
    }
}

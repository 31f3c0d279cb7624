import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryOrderQueue") struct MemoryOrderQueueConformance {
    let suite = OrderQueueConformance { MemoryOrderQueue(clock: $0) }

    @Test(arguments: OrderQueueConformance.checks)
    func conforms(_ check: OrderQueueConformance.Check) async throws { try await suite.run(check) }
}

@Suite("MemoryStockStore's outbox") struct MemoryOutboxConformance {
    let suite = OutboxConformance { MemoryStockStore(clock: $0) }

    @Test(arguments: OutboxConformance.checks)
    func conforms(_ check: OutboxConformance.Check) async throws { try await suite.run(check) }
}

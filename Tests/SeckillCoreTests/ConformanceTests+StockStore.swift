import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryStockStore") struct MemoryStockStoreConformance {
    let suite = StockStoreConformance(outboxLimit: 1000) { MemoryStockStore(clock: $0, outboxLimit: 1000) }

    @Test(arguments: StockStoreConformance.checks)
    func conforms(_ check: StockStoreConformance.Check) async throws { try await suite.run(check) }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryOrderLedger") struct MemoryOrderLedgerConformance {
    let suite = OrderLedgerConformance { MemoryOrderLedger() }

    @Test(arguments: OrderLedgerConformance.checks)
    func conforms(_ check: OrderLedgerConformance.Check) async throws { try await suite.run(check) }
}

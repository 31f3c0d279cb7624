import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryOrderSignals") struct MemoryOrderSignalsConformance {
    let suite = OrderSignalsConformance {
        let signals = MemoryOrderSignals()
        return (signals, signals)
    }

    @Test(arguments: OrderSignalsConformance.checks)
    func conforms(_ check: OrderSignalsConformance.Check) async throws { try await suite.run(check) }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite("MemorySessionStore") struct MemorySessionStoreConformance {
    let suite = SessionStoreConformance(limit: 200) { MemorySessionStore(clock: $0, limit: 200) }

    @Test(arguments: SessionStoreConformance.checks)
    func conforms(_ check: SessionStoreConformance.Check) async throws { try await suite.run(check) }
}

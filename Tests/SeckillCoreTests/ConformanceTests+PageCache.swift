import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryPageCache") struct MemoryPageCacheConformance {
    let suite = PageCacheConformance { MemoryPageCache(clock: $0) }

    @Test(arguments: PageCacheConformance.checks)
    func conforms(_ check: PageCacheConformance.Check) async throws { try await suite.run(check) }
}

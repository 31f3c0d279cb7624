import SeckillCore
import SeckillTesting
import Testing

@Suite("MemoryRateLimiter") struct MemoryRateLimiterConformance {
    let suite = RateLimiterConformance(limit: 200) { MemoryRateLimiter($0, clock: $1, limit: 200) }

    @Test(arguments: RateLimiterConformance.checks)
    func conforms(_ check: RateLimiterConformance.Check) async throws { try await suite.run(check) }
}

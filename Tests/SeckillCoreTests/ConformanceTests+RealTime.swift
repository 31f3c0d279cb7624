import SeckillCore
import SeckillTesting
import Testing

/// The suites as backends run them whose clock is in a server and cannot be moved. The one place where tests wait for
/// real: that waiting is what they test.
@Suite("Conformance by a real clock") struct RealTimeConformance {
    @Test(arguments: StockStoreConformance.checks)
    func stock(_ check: StockStoreConformance.Check) async throws {
        try await StockStoreConformance(clock: .system) { MemoryStockStore() }.run(check)
    }

    @Test(arguments: OutboxConformance.checks)
    func outbox(_ check: OutboxConformance.Check) async throws {
        try await OutboxConformance(clock: .system) { MemoryStockStore() }.run(check)
    }

    @Test(arguments: OrderQueueConformance.checks)
    func queue(_ check: OrderQueueConformance.Check) async throws {
        try await OrderQueueConformance(clock: .system) { MemoryOrderQueue() }.run(check)
    }

    @Test(arguments: SessionStoreConformance.checks)
    func sessions(_ check: SessionStoreConformance.Check) async throws {
        try await SessionStoreConformance(clock: .system) { MemorySessionStore() }.run(check)
    }

    @Test(arguments: RateLimiterConformance.checks)
    func limiter(_ check: RateLimiterConformance.Check) async throws {
        try await RateLimiterConformance(clock: .system) { MemoryRateLimiter($0) }.run(check)
    }

    @Test(arguments: PageCacheConformance.checks)
    func pages(_ check: PageCacheConformance.Check) async throws {
        try await PageCacheConformance(clock: .system) { MemoryPageCache() }.run(check)
    }
}

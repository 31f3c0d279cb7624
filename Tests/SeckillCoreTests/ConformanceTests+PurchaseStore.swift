import SeckillCore
import SeckillTesting
import Testing

@Suite("Purchases step by step") struct PurchaseConformance {
    let suite = PurchaseStoreConformance { rate, clock in
        let sessions = MemorySessionStore(clock: clock)
        let limiter = rate.map { MemoryRateLimiter($0, clock: clock) }
        let stock = MemoryStockStore(clock: clock)
        let stepped = SteppedPurchaseStore(sessions: sessions, limiter: limiter, stock: stock)
        return .init(stepped, sessions: sessions, limiter: limiter, stock: stock)
    }

    @Test(arguments: PurchaseStoreConformance.checks)
    func conforms(_ check: PurchaseStoreConformance.Check) async throws { try await suite.run(check) }
}

import Outside
import SeckillTesting
import Testing

@Suite struct ActorSessionStoreTests {
    let suite = SessionStoreConformance(limit: 200) { ActorSessionStore(clock: $0, limit: 200) }

    @Test(arguments: SessionStoreConformance.checks)
    func conforms(_ check: SessionStoreConformance.Check) async throws { try await suite.run(check) }
}

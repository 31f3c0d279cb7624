import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

@Suite(.ifRedisServer) struct IdentityTests {
    /// Before the connection's own look, once a second, finds it: what is stamped with a name of the past is refused.
    @Test func aRebuildIsTheFirstToNoticeThatTheServerIsAnother() async throws {
        try await RedisServer.with { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis, namespace: "shop")
            for _ in 1...5 {
                try await eventually("it is connected") { redis.isReady }
                let identity = try await store.identity()
                // Gives the history a new name, as a first replica does.
                _ = try await redis.perform([["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]])
                do {
                    // On a busy machine the connection may have been faster.
                    #expect(try await store.identity() != identity)
                } catch let error as SeckillError {
                    #expect(error.code == .unavailable)
                }
                try await eventually("it is connected again") { (try? await store.identity()) ?? identity != identity }
            }
            await redis.close()
        }
    }
}

import SeckillCore
import Testing

@testable import SeckillRedis

@Suite(.ifRedis, .redis) struct OrderQueueTests {
    /// Whoever is cancelled while the queue comes into being is told that, and nothing of a group that is not there.
    @Test func aConsumerOfANewQueueMayBeCancelledAtAnyMoment() async throws {
        let redis = try RedisConnection.shared
        let namespace = uniqueNamespace()
        for round in 0..<300 {
            let queue = RedisOrderQueue(redis, name: "\(round)", namespace: namespace)
            let waiting = Task { try await queue.receive(1, as: ConsumerID("a"), wait: .seconds(60)) }
            for _ in 0..<round { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }
}

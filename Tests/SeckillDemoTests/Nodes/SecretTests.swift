import HTTPTypes
import Logging
import SeckillCore
import SeckillRedis
import TestServers
import Testing

@testable import SeckillDemo

/// Nodes of one shop whose signing secrets differ, and orders whose secret is no longer in use.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SecretTests {
    private let folder = TemporaryFolder()
    private let tea = #"{"id":"tea","title":"Tea","price":1,"stock":100,"limitPerUser":100}"#

    private func secret(_ letters: String...) -> [String] {
        ["--secret", letters.map { String(repeating: $0, count: 32) }.joined(separator: ",")]
    }

    @Test(.enabled(if: RedisServer.isExpected))
    func aNodeThatSignsOtherwiseIsRefusedInWords() async throws {
        try await RedisServer.with { redis in
            let shared = ["--redis", redis.url, "--sale", tea]
            let (first, _) = try await Program.serve(shared + secret("a", "b"), in: folder)
            for other in [secret("c"), secret("c", "b"), secret("b")] {
                await #expect { try await Program.serve(shared + other, in: folder) } throws: {
                    let end = ($0 as? Program.NotServing)?.end
                    return end?.status == 1 && end?.err.contains("--secret") == true
                }
            }
            // Former secrets may differ, and a worker signs nothing.
            for other in [secret("a"), secret("b", "a"), secret("a", "c"), secret("c") + ["--role", "worker"]] {
                let (second, _) = try await Program.serve(shared + other, in: folder)
                #expect(await second.stop().status == 0)
            }
            #expect(await first.stop().status == 0)
            // Those that have stopped do not count.
            let (next, _) = try await Program.serve(shared + secret("c"), in: folder)
            #expect(await next.stop().status == 0)
        }
    }

    /// Started while Redis was away, for instance: the one that came later is at fault, and is ready once the other is gone.
    @Test(.enabled(if: RedisServer.isExpected))
    func ofTwoThatRunTheLaterIsAtFault() async throws {
        try await RedisServer.with { redis in
            let connection = try await RedisConnection.connect(
                redis.configuration,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let shared = Backends.SharedRedis(connection: connection, namespace: "shop")
            let first = NodeRegister(shared, fingerprints: ["a"])
            let second = NodeRegister(shared, fingerprints: ["b"])
            #expect(try await first.agrees())
            // Within one millisecond of Redis's clock, the ids would decide which came first.
            let joined = try await connection.send(["TIME"])
            #expect(try await eventually { try await connection.send(["TIME"]).isMilliseconds(after: joined) })
            #expect(try await !second.agrees())
            #expect(try await first.agrees())
            // What somebody else has put there is no node.
            for text in ["", "x", "1 2", "-1 2 a", "1 99999999999999999999 a", "1 2 ,"] {
                _ = try await connection.send(["HSET", "seckill:shop:nodes", "odd \(text)", text])
            }
            #expect(try await first.agrees())
            await first.leave()
            #expect(try await second.agrees())
            await connection.close()
        }
    }

    @Test func anOrderOutlivesTheSecretThatSignedIt() async throws {
        let (server, port) = try await Program.serve(secret("a") + ["--sale", tea], in: folder)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        let order = try #require(try await alice.buy("tea")["order"].text)
        let isRecorded = try await eventually {
            try await alice.send(.get, "/api/orders/\(order)")["status"] == "awaiting_payment"
        }
        #expect(isRecorded)
        #expect(await server.stop().status == 0)

        let (again, newPort) = try await Program.serve(secret("b"), in: folder)
        let client = try await WebClient.connect(to: newPort)
        let bob = try await Buyer("bob", client)
        #expect(try await bob.send(.post, "/api/orders/\(order)/payment").problem == .noOrder)
        let back = alice.on(client)
        #expect(try await back.send(.get, "/api/orders/\(order)")["status"] == "awaiting_payment")
        #expect(try await back.send(.post, "/api/orders/\(order)/payment")["status"] == "paid")
        #expect(await again.stop().status == 0)
    }
}

extension RedisValue {
    /// Compares two answers to TIME.
    fileprivate func isMilliseconds(after other: RedisValue) -> Bool {
        let (now, then) = (microseconds, other.microseconds)
        return now / 1000 > then / 1000
    }

    private var microseconds: Int {
        let parts = (array ?? []).compactMap { $0.text.flatMap { Int($0) } }
        return parts.count == 2 ? parts[0] * 1_000_000 + parts[1] : 0
    }
}

import Foundation
import Logging
import SeckillCore
import SeckillTesting
import TestServers
import Testing

@testable import SeckillRedis

/// Servers, and what stands between, that say what they should not, or nothing.
@Suite(.ifRedisServer) struct StrangeServerTests {
    private static func with(
        timeout: Duration = .seconds(1),
        _ body: (RedisServer, Relay, RedisConfiguration, LogLines) async throws -> Void
    ) async throws {
        try await RedisServer.with { server in
            let relay = try Relay(at: server.folder.path + "/relay", to: server.socket)
            var configuration = RedisConfiguration(address: .unix(path: relay.path))
            configuration.timeout = timeout
            try await body(server, relay, configuration, LogLines())
            relay.close()
        }
    }

    @Test(arguments: [
        "+OK\r\n", ":1\r\n", "-ERR nobody asked\r\n", "$3\r\nfoo\r\n", "*2\r\n:1\r\n:2\r\n", "$-1\r\n", "*-1\r\n",
        "*0\r\n",
        // Of a later protocol; nested too deeply; of no kind; longer than memory.
        ">2\r\n+push\r\n:1\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", String(repeating: "*1\r\n", count: 20) + ":1\r\n",
        "hello\r\n", "\0\0\0\r\n", "*2147483648\r\n", "*-5\r\n", "$-7\r\n", ":99999999999999999999999\r\n",
    ])
    func whatNothingWasAskedForBreaksTheConnectionOnly(_ text: String) async throws {
        try await Self.with { _, relay, configuration, log in
            let redis = try await RedisConnection.connect(configuration, logger: log.logger())
            let before = try redis.session().number
            relay.inject(text)
            try await eventually("it is dropped") { (try? redis.session().number) != before }
            try await eventually("there is another") { redis.isReady }
            #expect(try await redis.send(["ECHO", "x"]).text == "x")
            #expect(log.lines.filter { $0.contains("no connection to Redis") }.count == 1)
            await redis.close()
        }
    }

    /// A length that never comes is silence, and noticed as such.
    @Test(arguments: ["$9000000000000000000\r\n", "*1000\r\n"])
    func anAnswerWithoutAnEndBreaksTheConnectionOnly(_ text: String) async throws {
        try await Self.with(timeout: .milliseconds(300)) { _, relay, configuration, log in
            let redis = try await RedisConnection.connect(configuration, logger: log.logger())
            let before = try redis.session().number
            relay.inject(text)
            try await eventually("it is dropped") { (try? redis.session().number) ?? 0 > before }
            #expect(try await redis.send(["ECHO", "x"]).text == "x")
            await redis.close()
        }
    }

    @Test(arguments: [
        "+OK\r\n", ":1\r\n", "*1\r\n+message\r\n", "*3\r\n+message\r\n:1\r\n:2\r\n", "*2\r\n*0\r\n*0\r\n",
    ])
    func strangeMessagesArePassedOver(_ text: String) async throws {
        try await Self.with { server, relay, configuration, log in
            let redis = try await RedisConnection.connect(configuration, logger: log.logger())
            let direct = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let heard = Locked(0)
            let listening = Task {
                for await restock in redis.restocks(on: "news") { heard.withLock { $0 = restock.version } }
            }
            try await eventually("it listens") {
                _ = try await direct.send(["PUBLISH", "news", "sale 1"])
                return heard.withLock { $0 == 1 }
            }
            relay.inject(text)
            for message in ["", "sale", "sale x", "sale -1", "sale 9223372036854775807", "sale 1 2", "\0"] {
                _ = try await direct.send(["PUBLISH", "news", message])
            }
            try await eventually("it still listens") {
                _ = try await direct.send(["PUBLISH", "news", "sale 7"])
                return heard.withLock { $0 == 7 }
            }
            listening.cancel()
            await direct.close()
            await redis.close()
        }
    }

    /// Nothing is sent and nothing closed: only that no answer comes tells that nobody is there.
    @Test func aListenerBehindASilentConnectionConnectsAgain() async throws {
        try await Self.with(timeout: .milliseconds(300)) { server, relay, configuration, log in
            let direct = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let redis = try RedisConnection(configuration, logger: log.logger())
            let heard = Locked(0)
            let listening = Task {
                for await restock in redis.restocks(on: "news") { heard.withLock { $0 = restock.version } }
            }
            try await eventually("it listens") {
                _ = try await direct.send(["PUBLISH", "news", "sale 1"])
                return heard.withLock { $0 == 1 }
            }
            try await eventually("there are signs of life") {
                let statistics = try await direct.send(["INFO", "commandstats"]).text ?? ""
                return statistics.contains(/cmdstat_ping:calls=([6-9]|\d\d)/)
            }
            #expect(relay.connections == 1, "it was dropped although it was alive")
            relay.fallSilent()
            try await eventually("it is noticed") { log.lines.contains { $0.contains("nothing was heard") } }
            relay.fallSilent(false)
            try await eventually("it listens again") {
                _ = try await direct.send(["PUBLISH", "news", "sale 2"])
                return heard.withLock { $0 == 2 }
            }
            #expect(log.lines.filter { $0.contains("not listening to Redis") }.count == 1)
            #expect(log.lines.filter { $0.contains("info listening to Redis") }.count == 1)
            listening.cancel()
            await direct.close()
        }
    }

    /// A database other than 0 is what both refuse in words of their own.
    @Test(arguments: [("--cluster-enabled", "Redis Cluster"), ("--sentinel", "Redis Sentinel")])
    func aServerOfAnotherKindIsRefusedInWords(_ option: String, _ words: String) async throws {
        let port = try freePort()
        let isSentinel = option == "--sentinel"
        let cluster = [
            "--bind", "127.0.0.1", "--port", "\(port)", "--cluster-port", "\(try freePort())", option, "yes",
        ]
        // Not waited for: nothing that is refused can be.
        try await RedisServer.with(
            options: isSentinel ? [] : cluster,
            isReplica: true
        ) { server in
            var sentinel: ChildProcess?
            if isSentinel {
                // It writes to its file.
                let file = server.folder.appending(path: "sentinel.conf")
                try "bind 127.0.0.1\nport \(port)\n".write(to: file, atomically: true, encoding: .utf8)
                sentinel = try ChildProcess(try #require(RedisServer.path), [file.path, "--sentinel"])
            }
            var error: SeckillError?
            try await eventually("it is refused in words") {
                var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port), database: 3)
                configuration.timeout = .milliseconds(300)
                do {
                    await (try RedisConnection.connect(configuration, logger: .quiet)).close()
                } catch let caught as SeckillError {
                    error = caught
                }
                return error.map { "\($0)".contains(words) } ?? false
            }
            #expect(error?.code == .unavailable)
            sentinel?.send(SIGKILL)
            await sentinel?.end()
        }
    }

    /// Without the right to a channel: one line in the log, and not hundreds of attempts.
    @Test func aListenerThatIsDeniedTriesLessAndLess() async throws {
        try await Self.with { server, relay, configuration, log in
            let direct = try await RedisConnection.connect(server.configuration, logger: .quiet)
            _ = try await direct.send(["ACL", "SETUSER", "default", "resetchannels"])
            let redis = try RedisConnection(configuration, logger: log.logger())
            let heard = Locked(0)
            let listening = Task {
                for await restock in redis.restocks(on: "news") { heard.withLock { $0 = restock.version } }
            }
            let start = SystemClock().uptime
            try await eventually("it tries") { relay.connections >= 8 }
            // 50 ms, doubled each time, less a random half.
            #expect(SystemClock().uptime - start >= .seconds(3))
            #expect(log.lines.filter { $0.contains("NOPERM") }.count == 1, "\(log.lines)")
            listening.cancel()
            await direct.close()
        }
    }
}

extension RedisConnection {
    fileprivate func restocks(on channel: String) -> AsyncStream<Restock> {
        subscriptions.subscribe(to: RedisKey(channel)) { Restock(message: $0).map { [$0] } ?? [] }
    }
}

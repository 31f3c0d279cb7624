import Foundation
import Logging
import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

@Suite("RedisConnection", .ifRedisServer) struct RedisConnectionTests {
    /// A server and a connection to it.
    private func with(
        options: [String] = [],
        timeout: Duration = .seconds(2),
        maxInFlight: Int = 16_384,
        _ body: (RedisServer, RedisConnection) async throws -> Void
    ) async throws {
        try await RedisServer.with(options: options) { server in
            var configuration = server.configuration
            configuration.timeout = timeout
            configuration.maxInFlight = maxInFlight
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            try await body(server, redis)
            await redis.close()
        }
    }

    private func code(_ body: () async throws -> Void) async -> SeckillError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? SeckillError)?.code
        }
    }

    @Test func everyCallerGetsItsOwnAnswer() async throws {
        try await with { _, redis in
            try await withThrowingDiscardingTaskGroup { group in
                for caller in 0..<300 {
                    group.addTask {
                        for turn in 0..<20 {
                            let text = "\(caller).\(turn)"
                            let found1 = try await redis.send(["ECHO", text]).text
                            #expect(found1 == text)
                        }
                    }
                }
            }
        }
    }

    @Test func cancelledCallersDisturbNobody() async throws {
        try await with { _, redis in
            try await withThrowingDiscardingTaskGroup { group in
                for caller in 0..<200 {
                    group.addTask {
                        for turn in 0..<10 {
                            let text = "\(caller).\(turn)"
                            let call = Task { try await redis.send(["ECHO", text]) }
                            if caller % 2 == 0 {
                                if turn % 2 == 0 { await Task.yield() }
                                call.cancel()
                                if let value = try? await call.value { #expect(value.text == text) }
                            } else {
                                let found2 = try await call.value.text
                                #expect(found2 == text)
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func commandsSentTogetherAreAnsweredInOrder() async throws {
        try await with { _, redis in
            let values = try await redis.perform([
                ["SET", "k", "1"], ["LPUSH", "k", "x"], ["INCR", "k"], ["GET", "none"],
            ])
            #expect(values.count == 4)
            #expect(values[0].text == "OK")
            if case .error(let error) = values[1] {
                #expect(error.kind == "WRONGTYPE")
            } else {
                Issue.record("no error")
            }
            #expect(values[2] == .integer(2))
            #expect(values[3] == .null)
            let one = try await redis.perform([["LPUSH", "k", "x"]])
            if case .error = one[0] {} else { Issue.record("no error") }
            let found3 = try await redis.perform([])
            #expect(found3 == [])
        }
    }

    @Test func argumentsAndAnswersHoldAnyBytes() async throws {
        try await with { _, redis in
            for bytes in [[], [0], Array("\r\n$5\r\n".utf8), Array(0...255), Array(repeating: 10, count: 1_000_000)]
                as [[UInt8]]
            {
                var command: RedisCommand = ["ECHO"]
                command.append(bytes)
                let found4 = try await redis.send(command)
                #expect(found4 == .bytes(bytes))
            }
            let nested = try await redis.send(["EVAL", "return {1, {'a', {}}, false}", "0"])
            #expect(nested == .array([.integer(1), .array([.bytes([97]), .array([])]), .null]))
        }
    }

    @Test func whatRedisRefusesIsThrown() async throws {
        try await with { _, redis in
            let error = await #expect(throws: RedisError.self) { try await redis.send(["NO-SUCH-COMMAND"]) }
            #expect(error?.kind == "ERR")
            #expect(await code { _ = try await redis.send(["SELECT", "1"]) } == .invalid)
        }
    }

    @Test func aSlowServerTimesOutAndKeepsTheOrder() async throws {
        try await with { server, redis in
            let before = try redis.session()
            await server.suspend()
            #expect(await code { _ = try await redis.send(["ECHO", "late"]) } == .outcomeUnknown)
            await server.resume()
            try await eventually("Redis answers again") {
                (try? await redis.send(["ECHO", "now"]).text).map { $0 == "now" } ?? false
            }
            #expect(try redis.session() == before, "it was slow, not dead")
        }
    }

    @Test func aDeadServerIsDropped() async throws {
        try await with(timeout: .seconds(1)) { server, redis in
            let before = try redis.session()
            await server.suspend()
            #expect(await code { _ = try await redis.send(["PING"]) } == .outcomeUnknown)
            try await eventually("the connection is given up") { (try? redis.session()) != before }
            await server.resume()
            try await eventually("there is another") { redis.isReady }
            #expect(try redis.session().server == before.server)
        }
    }

    @Test func aBreakLeavesWhatWasSentUnknown() async throws {
        try await with(timeout: .seconds(20)) { server, redis in
            await server.suspend()
            let calls = (0..<10).map { index in Task { try await redis.send(["ECHO", "\(index)"]) } }
            try await eventually("all wait") { redis.waiting == 10 }
            await server.kill()
            var codes: Set<SeckillError.Code?> = []
            for call in calls { codes.insert(await code { _ = try await call.value }) }
            // Of the last one may be known that it never left.
            #expect(codes.contains(.outcomeUnknown) && codes.isSubset(of: [.outcomeUnknown, .unavailable]))
            try await eventually("the break is noticed") { !redis.isReady }
            #expect(await code { _ = try await redis.send(["PING"]) } == .unavailable)
        }
    }

    @Test func itComesBackByItselfAndSeesThatTheServerIsAnother() async throws {
        try await with { server, redis in
            let before = try redis.session()
            await server.kill()
            try await eventually("the break is noticed") { !redis.isReady }
            try await server.start()
            try await eventually("it is connected again") { redis.isReady }
            #expect(try redis.session().server != before.server)
            #expect(await code { _ = try await redis.perform(["PING"], on: before) } == .unavailable)
            let found5 = try await redis.send(["PING"]).text
            #expect(found5 == "PONG")
        }
    }

    @Test func tooManyAtOnceAreOverloaded() async throws {
        try await with(timeout: .seconds(20), maxInFlight: 10) { server, redis in
            await server.suspend()
            await withTaskGroup(of: SeckillError.Code?.self) { group in
                for _ in 0..<30 { group.addTask { await code { _ = try await redis.send(["PING"]) } } }
                // The connection's own questions take no place.
                for _ in 0..<20 { #expect(await group.next() == .overloaded) }
                #expect(redis.waiting == 10)
                await server.resume()
                for _ in 0..<10 { #expect(await group.next() == .some(nil)) }
            }
            let found6 = try await redis.send(["PING"]).text
            #expect(found6 == "PONG")
        }
    }

    @Test func aMasterThatWasAReplicaForAMomentIsAnother() async throws {
        try await with { _, redis in
            let before = try redis.session()
            _ = try await redis.perform([["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]])
            try await eventually("it is noticed") { (try? redis.session()).map { $0 != before } ?? false }
            #expect(try redis.session().server != before.server, "its run id is the same, its history is not")
        }
    }

    @Test func aReplicaIsRefused() async throws {
        try await with { _, redis in
            _ = try await redis.send(["REPLICAOF", "127.0.0.1", "1"])
            let error = await #expect(throws: SeckillError.self) {
                var configuration = redis.configuration
                configuration.timeout = .seconds(1)
                _ = try await RedisConnection.connect(configuration, logger: .quiet)
            }
            #expect("\(error!)".contains("slave, not a master"))
            try await eventually("the demotion is noticed") { !redis.isReady }
        }
    }

    @Test func whoIsNotThereIsNamed() async throws {
        var configuration = RedisConfiguration(address: .unix(path: "/nonexistent/redis.sock"))
        configuration.timeout = .milliseconds(100)
        let error = await #expect(throws: SeckillError.self) {
            _ = try await RedisConnection.connect(configuration, logger: .quiet)
        }
        #expect(error?.code == .unavailable)
        #expect("\(error!)".contains("No such file"))
    }

    @Test func closingWaitsForWhatIsOnItsWay() async throws {
        try await with { server, redis in
            let other = try await RedisConnection.connect(redis.configuration, logger: .quiet)
            await server.suspend()
            let late = Task { try await other.send(["PING"]) }
            try await eventually("it has been sent") { other.waiting > 0 }
            let closing = Task { await other.close() }
            try await eventually("it closes") { !other.isReady }
            await server.resume()
            let found7 = try await late.value.text
            #expect(found7 == "PONG")
            await closing.value
            #expect(await code { _ = try await other.send(["PING"]) } == .unavailable)
            await other.close()
        }
    }

    @Test func itIsAServiceThatEndsWhenItIsTold() async throws {
        try await RedisServer.with { server in
            let redis = try RedisConnection(server.configuration, logger: .quiet)
            let running = Task { try await redis.run() }
            try await eventually("it is connected") { redis.isReady }
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            #expect(!redis.isReady)
            await #expect(throws: SeckillError.self) { try await redis.run() }
        }
    }

    @Test func logsIn() async throws {
        let options = ["--user", "shop", "on", ">p@ss word", "~*", "&*", "+@all"]
        try await RedisServer.with(options: options, password: "secret") { server in
            var configuration = server.configuration
            configuration.database = 5
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            let found8 = try await redis.send(["ACL", "WHOAMI"]).text
            #expect(found8 == "default")
            await redis.close()
            configuration.username = "shop"
            configuration.password = "p@ss word"
            let shop = try await RedisConnection.connect(configuration, logger: .quiet)
            let found9 = try await shop.send(["ACL", "WHOAMI"]).text
            #expect(found9 == "shop")
            _ = try await shop.send(["SET", "k", "5"])
            let found10 = try await shop.send(["INFO", "keyspace"]).text?.contains("db5:keys=1")
            #expect(found10 == true)
            await shop.close()
            configuration.password = "wrong"
            configuration.timeout = .seconds(1)
            let error = await #expect(throws: SeckillError.self) {
                _ = try await RedisConnection.connect(configuration, logger: .quiet)
            }
            #expect("\(error!)".contains("login: WRONGPASS"))
        }
    }

    @Test func talksTCPAsWell() async throws {
        let port = try freePort()
        try await with(options: ["--bind", "127.0.0.1", "--port", "\(port)"]) { _, _ in
            let redis = try await RedisConnection.connect(
                try RedisConfiguration(url: "redis://localhost:\(port)/1"),
                logger: .quiet
            )
            let found11 = try await redis.send(["PING"]).text
            #expect(found11 == "PONG")
            await redis.close()
        }
    }
}

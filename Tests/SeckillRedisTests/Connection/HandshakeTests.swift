import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct HandshakeTests {
    private let script = RedisScript("one.lua", Array("return 1".utf8))
    private let server = RedisValue.bytes(Array("# Server\r\nredis_version:6.2.0\r\nrun_id:abc\r\n".utf8))

    private func replication(role: String = "master", history: String = "def") -> RedisValue {
        .bytes(Array("# Replication\r\nrole:\(role)\r\nmaster_replid:\(history)\r\n".utf8))
    }

    private func verdict(
        with configuration: RedisConfiguration = RedisConfiguration(),
        channel: String? = nil,
        _ answers: RedisValue...
    ) -> Handshake.Verdict? {
        var handshake =
            channel.map { Handshake(configuration, channel: Array($0.utf8)) }
            ?? Handshake(configuration, scripts: [script])
        for answer in answers.dropLast() { guard handshake.receive(answer) == nil else { return nil } }
        return handshake.receive(answers.last!)
    }

    @Test func knowsAScriptByItsDigest() {
        #expect(script.digest == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
    }

    @Test func identifiesProcessAndHistory() {
        let loaded = RedisValue.bytes(Array(script.digest.utf8))
        #expect(verdict(server, replication(), loaded) == .passed(ServerName(run: "abc", history: "def")))
        #expect(verdict(server, replication(history: "xyz"), loaded) == .passed(ServerName(run: "abc", history: "xyz")))
    }

    @Test func logsInAndSelectsFirst() {
        var configuration = RedisConfiguration(username: "u", password: "p", database: 7)
        var commands = Handshake(configuration, scripts: []).commands
        let expected: [RedisCommand] = [["AUTH", "u", "p"], ["INFO", "server"], ["SELECT", "7"]]
        #expect(commands.prefix(3).map(\.encoded) == expected.map(\.encoded))
        configuration.username = nil
        commands = Handshake(configuration, channel: Array("news".utf8)).commands
        #expect(commands[0].encoded == RedisCommand(["AUTH", "p"]).encoded)
    }

    @Test func refusesReplicas() {
        let loaded = RedisValue.bytes(Array(script.digest.utf8))
        #expect(verdict(server, replication(role: "slave"), loaded) == .failed("the server is a slave, not a master"))
        let pong = RedisValue.bytes(Array("PONG".utf8))
        let subscribed = RedisValue.array([.bytes(Array("subscribe".utf8)), .bytes(Array("news".utf8)), .integer(1)])
        #expect(verdict(channel: "news", server, pong, subscribed) == .passed(nil), "messages come from replicas too")
    }

    @Test func refusesWhoDoesNotSayWhatItIs() {
        let loaded = RedisValue.bytes(Array(script.digest.utf8))
        let nameless = RedisValue.bytes(Array("redis_version:7.2.4\r\n".utf8))
        #expect(verdict(nameless, replication(), loaded) == .failed("the server does not say which process it is"))
        #expect(verdict(server, .bytes([]), loaded) == .failed("the server does not say whether it is a master"))
    }

    @Test(arguments: [("cluster", "not supported"), ("sentinel", "address of the Redis master")])
    func refusesWhatIsNoPlainServer(_ mode: String, _ words: String) {
        let info = RedisValue.bytes(Array("redis_version:7.2.4\r\nredis_mode:\(mode)\r\nrun_id:abc\r\n".utf8))
        // Whatever else it would answer comes later.
        guard case .failed(let reason) = verdict(with: RedisConfiguration(database: 7), info) else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains(words), "\(reason)")
    }

    @Test func tellsARenamedHistoryFromAPromotion() {
        let before = ServerName(run: "abc", history: "one")
        #expect(ServerName(run: "abc", history: "two").isRenamed(from: before))
        #expect(!ServerName(run: "abc", history: "one").isRenamed(from: before))
        #expect(!ServerName(run: "abc", history: "two", hasFormerHistory: true).isRenamed(from: before))
        #expect(!ServerName(run: "xyz", history: "two").isRenamed(from: before))
    }

    @Test(arguments: ["6.0.16", "2.8", "x", ""])
    func refusesWhatIsTooOld(_ version: String) {
        let loaded = RedisValue.bytes(Array(script.digest.utf8))
        let old = RedisValue.bytes(Array("redis_version:\(version)\r\nrun_id:abc\r\n".utf8))
        #expect(verdict(old, replication(), loaded) == .failed("the server is Redis \(version), not 6.2 or later"))
    }

    @Test func namesWhatWentWrong() {
        let wrong = RedisValue.error(RedisError("WRONGPASS invalid username-password pair or user is disabled."))
        #expect(
            verdict(with: RedisConfiguration(password: "p"), wrong)
                == .denied("login: WRONGPASS invalid username-password pair or user is disabled.")
        )
        #expect(verdict(server, replication(), .bytes([])) == .failed("one.lua was loaded as another script"))
    }
}

@Suite struct BackoffTests {
    private struct Fixed: RandomSource {
        var value: UInt64
        func next() -> UInt64 { value }
    }

    @Test func growsToASecondAndStartsOver() {
        var backoff = Backoff()
        #expect(
            (0..<7).map { _ in backoff.next(Fixed(value: 0)) }
                == [25, 50, 100, 200, 400, 500, 500].map { .milliseconds($0) }
        )
        backoff.reset()
        #expect(backoff.next(Fixed(value: 0)) == .milliseconds(25))
    }

    @Test func spreads() {
        var backoff = Backoff()
        let rest = backoff.next(Fixed(value: 1023))
        #expect(rest > .milliseconds(49) && rest < .milliseconds(50))
    }
}

import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct RedisCommandTests {
    @Test func isEncodedByLength() {
        var command: RedisCommand = ["SET", "k\r\n", ""]
        #expect(String(decoding: command.encoded, as: UTF8.self) == "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n")
        command.append([0, 255])
        command.append(-42)
        #expect(command.encoded.starts(with: Array("*5\r\n".utf8)))
        #expect(
            command.words.map(Array.init) == [Array("SET".utf8), Array("k\r\n".utf8), [], [0, 255], Array("-42".utf8)]
        )
    }

    /// hiredis looks for the next argument as in a C string: of a subscription until there is none.
    @Test func isFollowedByANul() {
        var command: RedisCommand = []
        command.append("EVALSHA")
        command.append(7)
        command.append(RedisKeys(namespace: "p", database: 0).server)
        command.append(encoded: RedisCommand(["a", "b"]).arguments, holding: 2)
        for command in [command, ["PING"], RedisCommand(["SUBSCRIBE", "c"])] {
            #expect(command.encoded.suffix(2) == [13, 10] && !command.encoded.contains(0))
        }
        #expect(command.words.last == Array("b".utf8)[...])
    }

    @Test func countsMoreThanNineArguments() {
        let words = (1...123).map { "word-\($0)" }
        let command = RedisCommand(words)
        #expect(command.encoded.starts(with: Array("*123\r\n$6\r\nword-1\r\n".utf8)))
        #expect(command.words.map { String(decoding: $0, as: UTF8.self) } == words)
    }

    @Test(arguments: [
        ["GET", "k"], ["get", "SELECT"], ["EVAL", "return 1", "0"], ["XREAD", "COUNT", "1", "STREAMS", "BLOCK", "0"],
        ["XREADGROUP", "GROUP", "BLOCK", "BLOCK", "COUNT", "1", "STREAMS", "s", ">"], ["SCRIPT", "LOAD", "DEBUG"],
        ["PUBLISH", "c", "m"], ["INFO"], ["JSON.GET", "k"],
    ])
    func mayTravel(_ words: [String]) throws {
        try CommandPolicy.check(RedisCommand(words))
    }

    @Test(arguments: [
        [], ["SELECT", "1"], ["select", "1"], ["Multi"], ["EXEC"], ["WATCH", "k"], ["BLPOP", "k", "0"],
        ["WAIT", "1", "0"],
        ["SUBSCRIBE", "c"], ["MONITOR"], ["XREAD", "BLOCK", "0", "STREAMS", "s", "$"],
        ["xreadgroup", "group", "g", "c", "count", "1", "block", "5", "streams", "s", ">"], ["CLIENT", "REPLY", "OFF"],
        ["SCRIPT", "DEBUG", "YES"], ["HELLO", "3"], ["QUIT"], ["AUTH", "x"], ["RESET"],
        ["subscribe\r\nx", "c"], ["MONITOR\r\n"], [""], ["GET ", "k"], ["G\u{CB}T", "k"],
    ])
    func mayNotTravel(_ words: [String]) {
        #expect { try CommandPolicy.check(RedisCommand(words)) } throws: { ($0 as? SeckillError)?.code == .invalid }
    }
}

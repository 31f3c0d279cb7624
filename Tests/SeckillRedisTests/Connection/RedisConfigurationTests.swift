import SeckillCore
import SeckillRedis
import Testing

@Suite struct RedisConfigurationTests {
    @Test func readsHostPortLoginAndDatabase() throws {
        #expect(
            try RedisConfiguration(url: "redis://localhost")
                == RedisConfiguration(address: .tcp(host: "localhost", port: 6379))
        )
        #expect(
            try RedisConfiguration(url: "redis://shop:p%40ss%3Aw%2Frd@10.0.0.1:7000/3")
                == RedisConfiguration(
                    address: .tcp(host: "10.0.0.1", port: 7000),
                    username: "shop",
                    password: "p@ss:w/rd",
                    database: 3
                )
        )
        #expect(try RedisConfiguration(url: "redis://:secret@h/").password == "secret")
        #expect(try RedisConfiguration(url: "redis://:secret@h/").username == nil)
        #expect(try RedisConfiguration(url: "redis://[::1]:6380").address == .tcp(host: "::1", port: 6380))
        #expect(try RedisConfiguration(url: "REDIS://[::1]").address.description == "[::1]:6379")
    }

    @Test func readsSocketPaths() throws {
        let configuration = try RedisConfiguration(url: "unix://:pw@/run/my%20redis.sock?db=2")
        #expect(configuration.address == .unix(path: "/run/my redis.sock"))
        #expect(configuration.password == "pw")
        #expect(configuration.database == 2)
        #expect(try RedisConfiguration(url: "redis+unix:///a").address == .unix(path: "/a"))
    }

    @Test(arguments: [
        "", "localhost", "redis:localhost", "http://localhost", "redis://", "redis://:6379", "redis://h:0",
        "redis://h:65536",
        "redis://h:+1", "redis://h:x", "redis://h:", "redis://h/x", "redis://h/-1", "redis://h/0/1", "redis://h?db=1",
        "redis://h#1", "redis://user@h", "redis://u:%zz@h", "redis://u:%+1@h", "redis://u:%ff@h", "redis://[::1",
        "redis://[::1]x", "redis://a b", "redis://h\u{0}", "unix://relative", "unix://", "unix:///a?x=1",
        "unix:///a?db=",
        "unix:///a%00b", "unix:///" + String(repeating: "x", count: 103),
    ])
    func refusesWhatIsWrong(_ url: String) {
        #expect { try RedisConfiguration(url: url) } throws: { ($0 as? SeckillError)?.code == .invalid }
    }

    @Test func saysWhyThereIsNoTLS() {
        #expect { try RedisConfiguration(url: "rediss://h") } throws: { "\($0)".contains("TLS") }
    }

    @Test func neitherErrorsNorDescriptionsTellThePassword() throws {
        let configuration = try RedisConfiguration(url: "redis://user:hunter2@h/1")
        #expect("\(configuration)" == "user@h:6379/1")
        #expect(!String(reflecting: configuration).contains("hunter2"))
        #expect { try RedisConfiguration(url: "redis://user:hunter2@h:x") } throws: { !"\($0)".contains("hunter2") }
        #expect { try RedisConfiguration(url: "redis://hunter2@h") } throws: { !"\($0)".contains("hunter2") }
        #expect { try RedisConfiguration(url: "redis://u:hunter2@h/x") } throws: { !"\($0)".contains("hunter2") }
    }

    @Test func noDumpTellsThePassword() throws {
        let configuration = try RedisConfiguration(url: "redis://user:secret@localhost")
        var text = ""
        dump(configuration, to: &text)
        #expect(text.contains("localhost") && !text.contains("secret"))
        #expect(!"\(configuration) \(String(reflecting: configuration))".contains("secret"))
    }

    @Test(arguments: [-1, 0, 65_536, .max]) func aPortThatIsNoneIsRefused(_ port: Int) {
        let configuration = RedisConfiguration(address: .tcp(host: "localhost", port: port))
        #expect { try RedisConnection(configuration) } throws: { ($0 as? SeckillError)?.code == .invalid }
    }
}

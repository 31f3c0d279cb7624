import HTTPTypes
import Logging
import SeckillCore
import SeckillRedis
import Testing

@testable import SeckillDemo

struct SettingsTests {
    private func read(_ flags: [Setting: String], _ environment: [String: String] = [:]) throws -> Settings {
        try Settings(SettingSource(flags: flags, environment: environment), now: Timestamp(milliseconds: 0))
    }

    private func complaint(_ flags: [Setting: String], _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try read(flags, environment)
            return nil
        } catch {
            return (error as? SettingError)?.description
        }
    }

    @Test func nothingNeedsToBeSet() throws {
        let settings = try read([:])
        #expect(settings.host == "127.0.0.1" && settings.port == 8080 && settings.publicURL == nil)
        #expect(settings.ledger == "seckill.sqlite" && settings.ledgerRate == nil && settings.secrets == nil)
        #expect(settings.rateLimit == Rate(5, per: .seconds(5)) && settings.sessionTTL == .seconds(86_400))
        #expect(settings.clientRateLimit == Rate(100, per: .seconds(60)) && settings.clientHeader == nil)
        #expect(
            settings.adminToken == nil && settings.sales.isEmpty && !settings.isDirect && settings.logLevel == .info
        )
    }

    @Test func everythingCanBeSetByFlagAndByVariable() throws {
        let sale = #"{"id":"a","title":"A","price":1,"stock":1}"#
        let values: [Setting: String] = [
            .host: "0.0.0.0", .port: "0", .publicURL: "https://shop.example", .ledger: "/tmp/x", .ledgerRate: "500",
            .captcha: "on",
            .workBits: "20", .pageCache: "off", .rateLimit: "10/1m", .sessionTTL: "90m", .adminToken: "t", .role: "all",
            .secret: ["n", "o", "p"].map { String(repeating: $0, count: 32) }.joined(separator: ","),
            .clientRateLimit: "20/1m", .clientHeader: "X-Forwarded-For", .namespace: "shop-1", .takeOver: "true",
            .redis: "redis://user:pass@10.0.0.1:7000/2",
            .maxConnections: "2000", .operationsHost: "10.0.0.2", .operationsPort: "9000",
            .sale: "[\(sale),\(sale.replacing("\"a\"", with: "\"b\""))]", .direct: "false", .logLevel: "debug",
        ]
        #expect(Set(values.keys) == Set(Setting.allCases))
        let variables = Dictionary(uniqueKeysWithValues: values.map { ($0.key.variable, $0.value) })
        for settings in [try read(values), try read([:], variables)] {
            #expect(settings.host == "0.0.0.0" && settings.port == 0 && settings.publicURL?.isSecure == true)
            #expect(settings.ledger == "/tmp/x" && settings.ledgerRate == 500 && settings.logLevel == .debug)
            #expect(settings.rateLimit == Rate(10, per: .seconds(60)) && settings.sessionTTL == .seconds(5400))
            #expect(settings.clientRateLimit == Rate(20, per: .seconds(60)))
            #expect(settings.clientHeader?.rawName == "X-Forwarded-For")
            #expect(settings.adminToken == "t" && settings.secrets?.count == 3 && !settings.isDirect)
            #expect(settings.redis?.address == .tcp(host: "10.0.0.1", port: 7000) && settings.redis?.database == 2)
            #expect(settings.maxConnections == 2000 && settings.operationsHost == "10.0.0.2")
            #expect(settings.operationsPort == 9000)
            #expect(settings.sales.count == 2 && settings.namespace == "shop-1" && settings.takesOver)
        }
        #expect(Setting.ledgerRate.variable == "SECKILL_LEDGER_RATE")
        #expect(try read([.port: "1"], ["SECKILL_PORT": "2"]).port == 1)
        let off = try read([.rateLimit: "off"])
        #expect(off.rateLimit == nil && off.clientRateLimit == nil)
        #expect(try read([.rateLimit: "off", .clientRateLimit: "9/1s"]).clientRateLimit == Rate(9, per: .seconds(1)))
        #expect(try read([.clientRateLimit: "off"]).clientRateLimit == nil)
        #expect(try read([.direct: "true"]).isDirect)
        #expect(complaint([.operationsHost: "10.0.0.2"])?.contains("goes with --operations-port only") == true)
        #expect(try read([.redis: "unix:///run/redis.sock", .role: "web"]).role == .web)
    }

    @Test(
        arguments: [
            (.host, ""), (.port, ""), (.port, "-1"), (.port, "65536"), (.port, "http"), (.publicURL, "shop.example"),
            (.ledger, ""), (.ledgerRate, "0"), (.ledgerRate, "1.5"), (.ledgerRate, "fast"), (.pageCache, "redis"),
            (.pageCache, "on"), (.workBits, "0"),
            (.workBits, "33"),
            (.captcha, "maybe"), (.rateLimit, "5"), (.rateLimit, "0/5s"), (.rateLimit, "5/0s"), (.rateLimit, "5/5w"),
            (.rateLimit, "1001/5s"), (.clientRateLimit, "100"), (.clientHeader, "a b"), (.clientHeader, ""),
            (.rateLimit, "5/2d"), (.sessionTTL, "0"), (.sessionTTL, "366d"),
            (.sessionTTL, "-5"),
            (.sessionTTL, "999999999999999999999"), (.secret, "short"), (.secret, "short,short"), (.adminToken, ""),
            (.adminToken, "a b"), (.adminToken, "é"), (.role, "worker"), (.role, "web"), (.role, "king"), (.sale, "{"),
            (.sale, "1"), (.sale, "[1]"), (.sale, #"{"id":"a"}"#), (.direct, "maybe"), (.redis, "localhost"),
            (.redis, "rediss://:short@localhost"), (.redis, ""), (.logLevel, "loud"),
        ] as [(Setting, String)]
    )
    func whatCannotBeUsedIsNamed(_ setting: Setting, _ value: String) {
        for complaint in [complaint([setting: value]), complaint([:], [setting.variable: value])] {
            #expect(complaint?.hasPrefix("--\(setting.rawValue) (or \(setting.variable)) must be ") == true)
            if setting.isSecret { #expect(complaint?.contains("short") == false) }
        }
    }

    @Test func whatOnlyRedisCanDoNeedsOne() {
        let url = "unix:///run/redis.sock"
        #expect(complaint([.redis: url, .direct: "true"])?.hasPrefix("--direct") == true)
        #expect(complaint([.redis: url, .role: "king"])?.hasPrefix("--role") == true)
    }

    @Test func aBadSaleSaysWhatIsWrong() {
        #expect(complaint([.sale: #"{"id":"a","title":"A","price":-1,"stock":1}"#])?.contains("price must be") == true)
    }
}

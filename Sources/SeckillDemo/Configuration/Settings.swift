internal import HTTPTypes
internal import Logging
internal import SeckillCore
internal import SeckillRedis

/// The server's settings, checked.
struct Settings: Sendable {
    var host = "127.0.0.1"
    var port = 8080
    /// How many connections may be open at once; nil for as many as the process has descriptors for.
    var maxConnections: Int?
    var operationsHost = "127.0.0.1"
    /// Where `/ready` and `/metrics` are answered, and not on ``port``; nil for no place of their own.
    var operationsPort: Int?
    var publicURL: PublicURL?
    var ledger = "seckill.sqlite"
    /// The directory that the embedded mode keeps stock and sessions in.
    static func journals(of ledger: String) -> String { ledger + ".journals" }
    /// Where everything but the ledger lives; nil for the embedded mode.
    var redis: RedisConfiguration?
    /// Sets this shop's keys in Redis apart from other shops'; nil for the ledger's identity.
    var namespace: String?
    /// Makes this server's store the holder of sales that another store holds.
    var takesOver = false
    /// What this process does, of all that a shop must.
    var role = FlashSale.Configuration.Role.all
    /// Whether a challenge comes before a link.
    var asksChallenge = false
    /// How much work the challenge of those is who cannot see the other.
    var workBits = 18
    /// Where rendered pages are kept.
    var pageCache = PageCacheKind.local
    /// Ledger rows a second at most; nil for no limit.
    var ledgerRate: Int?
    /// Link and purchase requests of one user; nil for no limit.
    var rateLimit = Rate(5, per: .seconds(5))
    /// Logins, and challenges, of one client; nil for no limit.
    var clientRateLimit = Rate(100, per: .seconds(60))
    /// The field that a proxy names the client in; nil where clients connect by themselves.
    var clientHeader: HTTPField.Name?
    var sessionTTL: Duration = .seconds(86_400)
    /// What signs links, the present secret first; nil to keep one beside the ledger.
    var secrets: [String]?
    var adminToken: String?
    /// Put on sale at the start, unless they are already.
    var sales: [SaleDeclaration] = []
    /// Writes every purchase into the ledger before it is answered.
    var isDirect = false
    var logLevel: Logger.Level = .info
}

/// Where rendered pages are kept: here, here and in Redis, or nowhere.
enum PageCacheKind: String {
    case local, redis, off
}

extension Settings {
    /// - Parameter now: when sales open that do not say so.
    init(_ source: SettingSource, now: Timestamp) throws {
        if let host = try source.value(.host, "a name or an address", { $0.isEmpty ? nil : $0 }) { self.host = host }
        if let port = try source.value(.port, "0 to 65535", { UInt16($0) }) { self.port = Int(port) }
        maxConnections = try source.value(.maxConnections, "16 to 1000000") {
            Int($0).flatMap { (16...1_000_000).contains($0) ? $0 : nil }
        }
        operationsPort = try source.value(.operationsPort, "0 to 65535", { UInt16($0).map { Int($0) } })
        if let host = try source.value(.operationsHost, "a name or an address", { $0.isEmpty ? nil : $0 }) {
            guard operationsPort != nil else { throw SettingError(.operationsHost, "goes with --operations-port only") }
            operationsHost = host
        }
        publicURL = try source.value(.publicURL, "an address such as https://shop.example") { PublicURL($0) }
        if let path = try source.value(.ledger, "a path", { $0.isEmpty || $0.contains("\0") ? nil : $0 }) {
            ledger = path
        }
        redis = try Self.redis(source)
        namespace = try Self.namespace(source)
        if namespace != nil, redis == nil { throw SettingError(.namespace, "goes with --redis only") }
        takesOver = try source.value(.takeOver, "true or false") { Bool($0) } ?? false
        if let role = try source.value(.role, "all, web or worker", { FlashSale.Configuration.Role(rawValue: $0) }) {
            guard role == .all || redis != nil else {
                throw SettingError(.role, "must be all without --redis: one process owns the embedded mode's stock")
            }
            self.role = role
        }
        if let isOn = try source.value(.captcha, "on or off", { ["on": true, "off": false][$0] }) {
            asksChallenge = isOn
        }
        if let bits = try source.value(
            .workBits,
            "1 to 32 bits",
            { Int($0).flatMap { (1...32).contains($0) ? $0 : nil } }
        ) {
            workBits = bits
        }
        if redis != nil { pageCache = .redis }
        if let kind = try source.value(.pageCache, "local, redis or off", { PageCacheKind(rawValue: $0) }) {
            guard kind != .redis || redis != nil else {
                throw SettingError(.pageCache, "must be local or off without --redis")
            }
            pageCache = kind
        }
        ledgerRate = try source.value(.ledgerRate, "1 to 1000000 orders a second") {
            Int($0).flatMap { (1...1_000_000).contains($0) ? $0 : nil }
        }
        if source.text(.rateLimit) == "off" {
            rateLimit = nil
            clientRateLimit = nil
        } else if let rate = try source.value(.rateLimit, "off, or requests in a time, such as 5/5s", Self.rate) {
            rateLimit = rate
        }
        if source.text(.clientRateLimit) == "off" {
            clientRateLimit = nil
        } else if let rate = try source.value(.clientRateLimit, "off, or logins in a time, such as 100/60s", Self.rate)
        {
            clientRateLimit = rate
        }
        clientHeader = try source.value(.clientHeader, "the name of a field, such as X-Forwarded-For") {
            HTTPField.Name($0)
        }
        if let time = try source.value(.sessionTTL, "1s to 365d, such as 90m", Self.sessionTTL) { sessionTTL = time }
        secrets = try source.value(
            .secret,
            "a secret of 32 bytes or more, and after commas any former ones; `openssl rand -base64 32` makes one",
            Self.secrets
        )
        adminToken = try source.value(.adminToken, "visible ASCII characters") {
            !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? $0 : nil
        }
        sales = try Self.sales(source, now)
        isDirect = try source.value(.direct, "true or false") { Bool($0) } ?? false
        if isDirect, redis != nil { throw SettingError(.direct, "must be false with --redis: it goes without a queue") }
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        if let level = try source.value(.logLevel, "one of \(levels)", { Logger.Level(rawValue: $0) }) {
            logLevel = level
        }
    }

    static func redis(_ source: SettingSource) throws -> RedisConfiguration? {
        guard let url = source.text(.redis) else { return nil }
        do {
            return try RedisConfiguration(url: url)
        } catch {
            // Says what is wrong without the URL, which may hold a password.
            throw SettingError(.redis, "must be an address of Redis: \(error.message)")
        }
    }

    static func namespace(_ source: SettingSource) throws -> String? {
        // What a ledger's identity is made of, which is the default.
        try source.value(.namespace, "1 to 64 characters of A-Z a-z 0-9 _ -") { LedgerID($0)?.text }
    }

    private static func sessionTTL(_ text: String) -> Duration? {
        Duration(setting: text).flatMap { $0 >= .seconds(1) && $0 <= .seconds(365 * 86_400) ? $0 : nil }
    }

    private static func rate(_ text: String) -> Rate? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), let period = Duration(setting: parts[1]) else { return nil }
        return Rate(count, per: period)
    }

    static func secrets(_ text: String) -> [String]? {
        let secrets = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        return secrets.allSatisfy { $0.utf8.count >= 32 } ? secrets : nil
    }

    private static func sales(_ source: SettingSource, _ now: Timestamp) throws -> [SaleDeclaration] {
        guard let text = source.text(.sale) else { return [] }
        let rule = "must be a JSON object as for POST /admin/sales"
        do {
            let json = try JSONReader.read(text.utf8)
            let sales = if case .array(let sales) = json { sales } else { [json] }
            return try sales.map {
                guard let fields = Fields($0) else { throw SettingError(.sale, rule) }
                return try SaleDeclaration(fields, now: now)
            }
        } catch let failure as JSONReader.Failure {
            throw SettingError(.sale, "\(rule): \(failure.reason), at byte \(failure.offset)")
        } catch let problem as Problem {
            throw SettingError(.sale, "\(rule): \(problem.detail)")
        }
    }
}

extension Duration {
    /// A whole number and a unit: `ms`, `s`, `m`, `h` or `d`; seconds where none is given.
    init?(setting text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["ms": 1, "": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let count = Int64(digits), count <= 1_000_000_000,
            let unit = units[Substring(text.dropFirst(digits.count))]
        else { return nil }
        self = .milliseconds(count * unit)
    }
}

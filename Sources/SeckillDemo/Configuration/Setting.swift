/// What can be set, by the name of its flag: `--ledger-rate` and `SECKILL_LEDGER_RATE` are the same.
enum Setting: String, CaseIterable {
    case host
    case port
    case maxConnections = "max-connections"
    case operationsHost = "operations-host"
    case operationsPort = "operations-port"
    case publicURL = "public-url"
    case ledger
    case redis
    case namespace
    case takeOver = "take-over"
    case ledgerRate = "ledger-rate"
    case captcha
    case workBits = "work-bits"
    case pageCache = "page-cache"
    case rateLimit = "rate-limit"
    case clientRateLimit = "client-rate-limit"
    case clientHeader = "client-header"
    case sessionTTL = "session-ttl"
    case secret
    case adminToken = "admin-token"
    case role
    case sale
    case direct
    case logLevel = "log-level"

    var isSecret: Bool { self == .secret || self == .adminToken || self == .redis }

    var variable: String { "SECKILL_" + rawValue.uppercased().replacing("-", with: "_") }
}

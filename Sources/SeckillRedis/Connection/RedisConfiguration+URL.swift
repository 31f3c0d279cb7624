public import SeckillCore

extension RedisConfiguration {
    /// Reads `redis://[[user]:password@]host[:port][/database]` or
    /// `unix://[[user]:password@]/path/of/socket[?db=database]`; user, password and path may be percent-encoded.
    ///
    /// - Throws: `invalid`, with what is wrong and without the password. `rediss` is refused: TLS needs hiredis 1.0, and
    ///   0.14 is what this library builds on.
    public init(url: String) throws(SeckillError) {
        guard let mark = url.firstRange(of: "://") else {
            throw SeckillError(.invalid, "a Redis URL looks like redis://127.0.0.1:6379/0 or unix:///run/redis.sock")
        }
        let rest = url[mark.upperBound...]
        let scheme = url[..<mark.lowerBound].lowercased()
        switch scheme {
        case "redis": self = try Self.tcp(rest)
        case "unix", "redis+unix": self = try Self.unix(rest)
        case "rediss":
            throw SeckillError(
                .invalid,
                "rediss:// is not supported: TLS needs hiredis 1.0 and this library builds on 0.14; "
                    + "use a unix socket, a private network or a TLS tunnel"
            )
        default: throw SeckillError(.invalid, "a Redis URL begins with redis:// or unix://, not \(scheme)://")
        }
    }

    private static func tcp(_ text: Substring) throws(SeckillError) -> RedisConfiguration {
        guard !text.contains("?"), !text.contains("#") else {
            throw SeckillError(.invalid, "a redis:// URL takes no query and no fragment")
        }
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let (login, place) = split(text[..<slash])
        let (host, port) = try hostAndPort(place)
        var configuration = RedisConfiguration(address: .tcp(host: host, port: port))
        try configuration.logIn(login)
        let path = text[slash...].dropFirst()
        if !path.isEmpty { configuration.database = try database(path) }
        return configuration
    }

    private static func unix(_ text: Substring) throws(SeckillError) -> RedisConfiguration {
        guard !text.contains("#") else { throw SeckillError(.invalid, "a unix:// URL takes no fragment") }
        let question = text.firstIndex(of: "?") ?? text.endIndex
        let (login, place) = split(text[..<question])
        guard let path = decode(place), path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw SeckillError(.invalid, "a unix:// URL needs an absolute path, as in unix:///run/redis.sock")
        }
        // What the system's socket addresses hold, the smallest of the platforms.
        guard path.utf8.count < 104 else { throw SeckillError(.invalid, "the path of a socket is at most 103 bytes") }
        var configuration = RedisConfiguration(address: .unix(path: path))
        try configuration.logIn(login)
        let query = text[question...].dropFirst()
        if !query.isEmpty {
            guard query.hasPrefix("db=") else { throw SeckillError(.invalid, "a unix:// URL takes db= and no more") }
            configuration.database = try database(query.dropFirst(3))
        }
        return configuration
    }

    /// What stands before the last `@`, and what stands after it.
    private static func split(_ text: Substring) -> (login: Substring?, place: Substring) {
        guard let at = text.lastIndex(of: "@") else { return (nil, text) }
        return (text[..<at], text[text.index(after: at)...])
    }

    private mutating func logIn(_ login: Substring?) throws(SeckillError) {
        guard let login, !login.isEmpty else { return }
        guard let colon = login.firstIndex(of: ":") else {
            throw SeckillError(.invalid, "a Redis URL with a user needs a password: redis://user:password@host")
        }
        guard let user = Self.decode(login[..<colon]), let secret = Self.decode(login[colon...].dropFirst()) else {
            throw SeckillError(.invalid, "user or password of the Redis URL is not percent-encoded UTF-8")
        }
        username = user.isEmpty ? nil : user
        password = secret
    }

    private static func hostAndPort(_ text: Substring) throws(SeckillError) -> (String, Int) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw SeckillError(.invalid, "the Redis URL has [ without ]")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw SeckillError(.invalid, "only a port may follow the address in the Redis URL")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[colon...].dropFirst()
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw SeckillError(.invalid, "the Redis URL names no host")
        }
        guard let port else { return (String(host), 6379) }
        guard let number = Int(port), (1...65_535).contains(number), port.utf8.first != UInt8(ascii: "+") else {
            throw SeckillError(.invalid, "the port of the Redis URL must be 1 to 65535")
        }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(SeckillError) -> Int {
        guard let number = Int(text), (0...65_535).contains(number), text.utf8.first != UInt8(ascii: "+") else {
            throw SeckillError(.invalid, "the database of the Redis URL must be a number")
        }
        return number
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, rest.prefix(2).allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

internal import SeckillCore

/// Where Redis is and how to talk to it. `RedisConfiguration(url:)` reads one from a URL.
public struct RedisConfiguration: Hashable, Sendable {
    /// Where a server listens.
    public enum Address: Hashable, Sendable, CustomStringConvertible {
        /// A host name or an IP address, and a port.
        case tcp(host: String, port: Int)
        /// The path of a socket on this machine.
        case unix(path: String)

        /// As people write it.
        public var description: String {
            switch self {
            case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): path
            }
        }
    }

    /// Where the server listens.
    public var address: Address
    /// Whom to log in as, with a ``password``; nil for the default user.
    public var username: String?
    /// What to log in with; nil for not at all.
    public var password: String?
    /// The database to select.
    public var database: Int
    /// How long a caller waits for an answer, and how long connecting may take.
    public var timeout: Duration = .seconds(2)
    /// Commands that may wait for an answer at once; the next one is `overloaded`.
    public var maxInFlight: Int = 16_384

    /// A server at `address`.
    public init(
        address: Address = .tcp(host: "127.0.0.1", port: 6379),
        username: String? = nil,
        password: String? = nil,
        database: Int = 0
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
    /// Where and as whom, without the password.
    public var description: String { "\(username.map { "\($0)@" } ?? "")\(address)/\(database)" }

    /// The same, so that no log tells the password either.
    public var debugDescription: String { description }
}

extension RedisConfiguration: CustomReflectable {
    /// Nothing more, so that no dump does.
    public var customMirror: Mirror { Mirror(self, children: ["server": description], displayStyle: .struct) }
}

extension RedisConfiguration {
    /// What a URL cannot say but a program can.
    func check() throws(SeckillError) {
        if case .tcp(_, let port) = address, !(1...65_535).contains(port) {
            throw SeckillError(.invalid, "the port of Redis must be 1 to 65535, not \(port)")
        }
    }
}

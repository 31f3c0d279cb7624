internal import SeckillCore

/// What is said on a new connection before it may be used: log in, ask what is at the other end, select, load the
/// scripts or subscribe. A plain value: answers go in, a verdict comes out.
struct Handshake {
    enum Verdict: Equatable {
        case passed(ServerName?)
        case failed(String)
        /// The server denies this user something; that lasts until an operator changes it.
        case denied(String)
    }

    private enum Step {
        case logIn, server, select, replication, load(RedisScript), ping, subscribe
    }

    private let steps: [(step: Step, command: RedisCommand)]
    private let listensOnly: Bool
    private var answered = 0
    private var info = ServerInfo()

    /// For a connection that carries commands.
    init(_ configuration: RedisConfiguration, scripts: [RedisScript]) {
        var steps = Self.beginning(configuration)
        if configuration.database != 0 { steps.append((.select, ["SELECT", "\(configuration.database)"])) }
        steps.append((.replication, ["INFO", "replication"]))
        for script in scripts { steps.append((.load(script), script.loadCommand)) }
        self.steps = steps
        listensOnly = false
    }

    /// For a connection that carries messages, those of `channel` from the beginning.
    init(_ configuration: RedisConfiguration, channel: [UInt8]?) {
        var steps = Self.beginning(configuration)
        steps.append((.ping, ["PING"]))
        if let channel {
            var command: RedisCommand = ["SUBSCRIBE"]
            command.append(channel)
            steps.append((.subscribe, command))
        }
        self.steps = steps
        listensOnly = true
    }

    private static func beginning(_ configuration: RedisConfiguration) -> [(Step, RedisCommand)] {
        var steps: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            steps.append((.logIn, RedisCommand(["AUTH"] + [configuration.username, password].compactMap(\.self))))
        }
        // Before anything that only a plain server knows: what refuses the rest then does so with its own name.
        steps.append((.server, ["INFO", "server"]))
        return steps
    }

    /// To be sent all at once.
    var commands: [RedisCommand] { steps.map(\.command) }

    /// Takes the next answer in. A verdict ends it.
    mutating func receive(_ value: RedisValue) -> Verdict? {
        let step = steps[answered].step
        answered += 1
        if case .error(let error) = value {
            let reason = "\(Self.name(step)): \(error)"
            return error.isOfMissingRights ? .denied(reason) : .failed(reason)
        }
        switch step {
        case .logIn, .select, .ping: break
        case .server:
            info.read(value)
            if let refusal = info.refusalOfMode { return .failed(refusal) }
        case .replication: info.read(value)
        case .load(let script):
            if value.text != script.digest { return .failed("\(script.name) was loaded as another script") }
        case .subscribe:
            guard value.array?.first?.text == "subscribe" else { return .failed("subscribing: unexpected reply") }
        }
        guard answered == steps.count else { return nil }
        return listensOnly ? .passed(nil) : info.verdict
    }

    private static func name(_ step: Step) -> String {
        switch step {
        case .logIn: "login"
        case .select: "selecting the database"
        case .server, .replication: "asking the server what it is"
        case .load(let script): "loading \(script.name)"
        case .ping: "sending PING"
        case .subscribe: "subscribing"
        }
    }
}

/// Which server a connection leads to.
struct ServerName: Hashable, Sendable {
    /// The process: `run_id`.
    var run: String
    /// The history of its data: `master_replid`.
    var history: String
    /// Whether the data have had another name that still counts: `master_replid2`. So it is after a promotion. A master
    /// that only renames its history, for instance for its first replica, has none.
    var hasFormerHistory = false

    /// Whether this is `other`, whose data have got another name and are otherwise what they were, provided that it was a
    /// master at both moments and that too little time has passed between them for more than one new name.
    func isRenamed(from other: ServerName) -> Bool {
        run == other.run && history != other.history && !hasFormerHistory
    }
}

/// The lines of INFO that say what a server is.
struct ServerInfo {
    /// What ``read(_:)`` is to be told the answers to.
    static let questions: [RedisCommand] = [["INFO", "server"], ["INFO", "replication"]]

    private var fields: [Substring: Substring] = [:]

    mutating func read(_ value: RedisValue) {
        for line in (value.text ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[colon...].dropFirst()
        }
    }

    /// Why a server that is no plain Redis cannot be used.
    var refusalOfMode: String? {
        switch fields["redis_mode"] ?? fields["server_mode"] {
        case "cluster":
            "the server is a node of a Redis Cluster, which is not supported: use a Redis that is not in cluster mode"
        case "sentinel":
            "the server is a Redis Sentinel, which holds no data: give the address of the Redis master that it watches"
        default: nil
        }
    }

    /// The name of a master; a replica may lose what it is told and is refused. So is what is older than the commands that
    /// the scripts need.
    var verdict: Handshake.Verdict {
        if let refusal = refusalOfMode { return .failed(refusal) }
        let version = (fields["redis_version"] ?? "").split(separator: ".").prefix(2).compactMap { Int($0) }
        guard version.count == 2, !version.lexicographicallyPrecedes([6, 2]) else {
            return .failed("the server is Redis \(fields["redis_version"] ?? "of no version"), not 6.2 or later")
        }
        guard let role = fields["role"] else { return .failed("the server does not say whether it is a master") }
        guard role == "master" else { return .failed("the server is a \(role), not a master") }
        guard let run = fields["run_id"], let history = fields["master_replid"] else {
            return .failed("the server does not say which process it is")
        }
        let former = fields["master_replid2"] ?? ""
        return .passed(
            ServerName(run: String(run), history: String(history), hasFormerHistory: !former.allSatisfy { $0 == "0" })
        )
    }
}

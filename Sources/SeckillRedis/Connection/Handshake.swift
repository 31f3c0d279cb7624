internal import SeckillCore

/// What is said on a new connection before anybody may use it: log in, select, ask what is at the other end, load the
/// scripts. A plain value: answers go in, a verdict comes out.
struct Handshake {
    enum Verdict: Equatable {
        case passed(StoreIdentity?)
        case failed(String)
    }

    private enum Step {
        case logIn, select, server, replication, load(RedisScript)
    }

    private let steps: [(step: Step, command: RedisCommand)]
    private let listensOnly: Bool
    private var answered = 0
    private var info = ServerInfo()

    /// For a connection that carries commands, or, if it `listensOnly`, one that carries messages.
    init(_ configuration: RedisConfiguration, scripts: [RedisScript], listensOnly: Bool) {
        var steps: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            steps.append((.logIn, RedisCommand(["AUTH"] + [configuration.username, password].compactMap(\.self))))
        }
        if configuration.database != 0 { steps.append((.select, ["SELECT", "\(configuration.database)"])) }
        steps.append((.server, ["INFO", "server"]))
        if !listensOnly {
            steps.append((.replication, ["INFO", "replication"]))
            for script in scripts { steps.append((.load(script), script.loadCommand)) }
        }
        self.steps = steps
        self.listensOnly = listensOnly
    }

    /// To be sent all at once.
    var commands: [RedisCommand] { steps.map(\.command) }

    /// Takes the next answer in. A verdict ends it.
    mutating func receive(_ value: RedisValue) -> Verdict? {
        let step = steps[answered].step
        answered += 1
        if case .error(let error) = value { return .failed("\(Self.name(step)): \(error)") }
        switch step {
        case .logIn, .select: break
        case .server, .replication: info.read(value)
        case .load(let script):
            if value.text != script.digest { return .failed("\(script.name) was loaded as another script") }
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
        }
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

    /// The identity of a master; a replica may lose what it is told and is refused. So is what is older than the
    /// commands that the scripts need.
    var verdict: Handshake.Verdict {
        let version = (fields["redis_version"] ?? "").split(separator: ".").prefix(2).compactMap { Int($0) }
        guard version.count == 2, !version.lexicographicallyPrecedes([6, 2]) else {
            return .failed("the server is Redis \(fields["redis_version"] ?? "of no version"), not 6.2 or later")
        }
        guard let role = fields["role"] else { return .failed("the server does not say whether it is a master") }
        guard role == "master" else { return .failed("the server is a \(role), not a master") }
        guard let run = fields["run_id"], let history = fields["master_replid"] else {
            return .failed("the server does not say which process it is")
        }
        return .passed(StoreIdentity("\(run):\(history)"))
    }
}

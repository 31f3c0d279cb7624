internal import SeckillCore

/// What callers and the connection's thread share: commands on their way to the thread, and whether any may enter.
/// A plain value; whoever owns it locks it.
struct MailboxState: Sendable {
    /// A command and who waits for its answer.
    struct Entry: Sendable {
        var command: RedisCommand
        var reply: Reply
    }

    private enum Phase: Sendable {
        case down(String)
        case up(RedisSession)
        case closed
    }

    /// What the thread finds when it looks.
    struct Work: Sendable {
        var entries: [Entry] = []
        /// Why the present connection must be dropped, if it must.
        var doubt: String?
    }

    private let limit: Int
    private var phase = Phase.down("not connected yet")
    private var entries: [Entry] = []
    /// Handed to the thread and not yet answered.
    private var inFlight = 0
    private var isAsleep = false
    private var doubt: String?
    /// Who wants to know how the next attempt to connect ends.
    private var watchers: [Reply] = []
    /// Where the last attempt to connect went.
    var address: RedisConfiguration.Address?

    init(limit: Int) { self.limit = limit }

    /// What is at the other end, while it can be talked to.
    var session: RedisSession? {
        if case .up(let session) = phase { session } else { nil }
    }

    /// Commands that have no answer yet.
    var waiting: Int { inFlight + entries.count }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    /// Takes commands in, all or none. Whether the thread must be woken.
    ///
    /// With a `session`, only if that is still the one at the other end: a command that carries an identity must never
    /// travel on another connection than the one where the identity was read.
    mutating func append(
        _ commands: some Collection<RedisCommand>,
        for reply: Reply,
        on session: RedisSession? = nil
    ) throws(SeckillError) -> Bool {
        switch phase {
        case .down(let reason): throw SeckillError(.unavailable, "no connection to Redis: \(reason)")
        case .closed: throw SeckillError(.unavailable, "the connection to Redis is closed")
        case .up(let present):
            guard session == nil || session!.number == present.number else {
                throw SeckillError(.unavailable, "the connection to Redis was replaced")
            }
        }
        guard waiting + commands.count <= limit else {
            throw SeckillError(.overloaded, "\(limit) commands wait for Redis")
        }
        for command in commands { entries.append(Entry(command: command, reply: reply)) }
        defer { isAsleep = false }
        return isAsleep
    }

    /// What the thread is to do now. If there is nothing, the thread is about to sleep, and whoever comes next wakes it.
    ///
    /// `work` is what the thread has done with; its buffer is used again.
    mutating func take(into work: inout Work) {
        isAsleep = entries.isEmpty && doubt == nil
        inFlight += entries.count
        work.entries.removeAll(keepingCapacity: true)
        swap(&work.entries, &entries)
        work.doubt = doubt.take()
    }

    /// Ends `session`, if it is the present one: what is at its other end is not what was checked. Whether the thread
    /// must be woken.
    mutating func suspect(_ session: RedisSession, because reason: String) -> Bool {
        guard case .up(let present) = phase, present.number == session.number else { return false }
        phase = .down(reason)
        doubt = reason
        defer { isAsleep = false }
        return isAsleep
    }

    /// The thread is awake and will look again. So many commands have been answered, though nobody knows it yet.
    mutating func rise(answered: Int) {
        isAsleep = false
        inFlight -= answered
    }

    /// The connection can be used. Who waited for that.
    mutating func open(_ session: RedisSession) -> [Reply] {
        if !isClosed { phase = .up(session) }
        defer { watchers = [] }
        return watchers
    }

    /// The connection is gone, or could not be had, and with it what was in flight. Who waited for it, and for entries
    /// that never left.
    mutating func shut(because reason: String) -> [Reply] {
        if !isClosed { phase = .down(reason) }
        inFlight = 0
        doubt = nil
        defer { (entries, watchers) = ([], []) }
        return watchers + entries.map(\.reply)
    }

    /// The history of the server's data has another name, on a connection that saw nothing else change.
    mutating func rename(_ session: RedisSession) {
        if case .up(let present) = phase, present.number == session.number { phase = .up(session) }
    }

    /// Lets `watcher` know how the attempt to connect ends. False if there is nothing to wait for.
    mutating func watch(_ watcher: Reply) -> Bool {
        guard case .down = phase else { return false }
        watchers.append(watcher)
        return true
    }

    /// Nothing may enter any more; what is in goes on. Whether the thread must be woken.
    mutating func close() -> Bool {
        phase = .closed
        defer { isAsleep = false }
        return isAsleep
    }
}

/// One connection's life, from the moment it was checked to the moment it breaks.
struct RedisSession: Hashable, Sendable {
    /// Distinguishes connections to the same server.
    var number: Int
    /// The server, a master, by its present name.
    var server: ServerName
    /// How many times the history of the server's data got another name on this connection.
    var renames = 0
}

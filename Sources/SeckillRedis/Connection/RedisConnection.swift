public import Logging
public import SeckillCore
public import ServiceLifecycle

/// One connection to one Redis master, shared by everything on this node.
///
/// A thread of its own owns the connection. Commands of all callers travel together: what is waiting when the thread
/// looks leaves in one write, and each answer resumes its caller directly. The thread connects again by itself, with
/// growing, jittered rests, and checks each time that the server is a master and which process it is.
///
/// **Errors** of every call: `unavailable` and `overloaded` mean that the command never left; `outcomeUnknown` that it
/// left and no answer came, in time or at all; ``RedisError`` that Redis refused it. **Cancellation**: a cancelled
/// caller stops waiting; its command may still be executed, and its late answer disturbs nobody.
public final class RedisConnection: Sendable {
    /// Where it leads.
    public let configuration: RedisConfiguration
    let logger: Logger
    /// What this node hears of others, over a connection of its own.
    let subscriptions: Subscriptions
    private let mailbox: Mailbox
    private let lifetime = Locked(Lifetime())

    private struct Lifetime: Sendable {
        var isStarted = false
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// A connection that begins to connect when ``run()`` is called.
    /// - Throws: `invalid` if `configuration` is, `unavailable` if the process has no file descriptors left.
    public init(
        _ configuration: RedisConfiguration,
        logger: Logger = Logger(label: "seckill.redis")
    ) throws(SeckillError) {
        try configuration.check()
        self.configuration = configuration
        self.logger = logger
        mailbox = try Mailbox(limit: configuration.maxInFlight)
        subscriptions = Subscriptions(configuration, logger)
    }

    deinit {
        mailbox.close()
        subscriptions.close()
    }

    /// Whether commands can be sent now.
    public var isReady: Bool { mailbox.session != nil }

    /// Sends one command and waits for its answer.
    ///
    /// Commands that would block the connection, change it for others or answer otherwise than once are refused as
    /// `invalid`: blocking reads, subscriptions, transactions, `SELECT` and the like.
    public func send(_ command: RedisCommand) async throws -> RedisValue {
        try CommandPolicy.check(command)
        return try await perform(command)
    }

    // MARK: Inside the module

    /// Where the server is, with a numeric address; as configured, until the first attempt to connect.
    var address: RedisConfiguration.Address { mailbox.address ?? configuration.address }

    /// Commands that have no answer yet.
    var waiting: Int { mailbox.waiting }

    /// What is at the other end.
    /// - Throws: `unavailable` while there is no connection.
    func session() throws(SeckillError) -> RedisSession {
        guard let session = mailbox.session else {
            throw SeckillError(.unavailable, "no connection to Redis at \(configuration.address)")
        }
        return session
    }

    /// Drops `session`, if it is the present one: its server is not what was checked. A new one is checked again.
    func suspect(_ session: RedisSession) {
        mailbox.suspect(session, because: "the server is not what it was")
    }

    /// Sends any command; on `session` only, if one is given.
    func perform(
        _ command: RedisCommand,
        on session: RedisSession? = nil,
        toTheEnd: Bool = false
    ) async throws -> RedisValue {
        let value = try await ask(CollectionOfOne(command), on: session, toTheEnd: toTheEnd)
        if case .error(let error) = value { throw error }
        return value
    }

    /// Sends commands together. Their answers in order, errors of Redis among them.
    /// - Parameter toTheEnd: waits even if cancelled, for answers that hand something out.
    func perform(
        _ commands: [RedisCommand],
        on session: RedisSession? = nil,
        toTheEnd: Bool = false
    ) async throws -> [RedisValue] {
        if commands.isEmpty { return [] }
        let value = try await ask(commands, on: session, toTheEnd: toTheEnd)
        guard commands.count > 1, let values = value.array else { return [value] }
        return values
    }

    /// Sends any number of commands, a bounded number at once, so that they neither pass the connection's limit nor keep
    /// Redis from other callers for long.
    func performInPieces(_ commands: [RedisCommand], on session: RedisSession) async throws -> [RedisValue] {
        var answers: [RedisValue] = []
        answers.reserveCapacity(commands.count)
        for piece in commands.chunks(of: 500) { answers += try await perform(Array(piece), on: session) }
        return answers
    }

    private func ask(
        _ commands: some Collection<RedisCommand>,
        on session: RedisSession?,
        toTheEnd: Bool
    ) async throws -> RedisValue {
        let reply = Reply(answers: commands.count)
        func start() {
            do {
                try mailbox.append(commands, for: reply, on: session)
            } catch {
                reply.fail(error)
            }
        }
        return toTheEnd ? try await reply.waitToTheEnd(start) : try await reply.wait(start)
    }
}

extension RedisConnection: Service {
    /// A connection that is already up, for scripts and tests. Call ``close()`` at the end.
    /// - Throws: `unavailable` if it cannot be had within the configured time.
    public static func connect(
        _ configuration: RedisConfiguration,
        logger: Logger = Logger(label: "seckill.redis")
    ) async throws -> RedisConnection {
        let connection = try RedisConnection(configuration, logger: logger)
        try connection.start()
        let end = SystemClock().uptime + configuration.timeout
        while true {
            do {
                try await connection.mailbox.settled()
                return connection
            } catch {
                guard error is SeckillError, SystemClock().uptime < end else {
                    await connection.close()
                    throw error
                }
            }
        }
    }

    /// A connection whose first attempt to connect is over, whatever came of it, and that goes on trying: for servers
    /// that start without Redis and come up when it does. Call ``close()`` at the end.
    /// - Throws: `unavailable` if the process has no file descriptors or threads left.
    public static func open(
        _ configuration: RedisConfiguration,
        logger: Logger = Logger(label: "seckill.redis")
    ) async throws -> RedisConnection {
        let connection = try RedisConnection(configuration, logger: logger)
        try connection.start()
        try? await connection.mailbox.settled()
        return connection
    }

    /// Connects and stays connected, until graceful shutdown or cancellation. Call it once.
    public func run() async throws {
        try start()
        try? await gracefulShutdown()
        await close()
        try Task.checkCancellation()
    }

    /// Takes no more commands, waits for the answers that are on their way, two seconds at most, and hangs up.
    public func close() async {
        mailbox.close()
        subscriptions.close()
        await withCheckedContinuation { continuation in
            let isOver = lifetime.withLock { state in
                let isOver = state.isFinished || !state.isStarted
                if !isOver { state.waiters.append(continuation) }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    private func start() throws(SeckillError) {
        let isFirst = lifetime.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw SeckillError(.invalid, "a connection runs once") }
        try startThread { [configuration, mailbox, logger, lifetime] in
            RedisLoop(configuration, .commands, mailbox, logger).run()
            let waiters = lifetime.withLock { state in
                state.isFinished = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }
}

internal import Logging
internal import SeckillCore

/// What the connection's thread does: connect, check, send what the mailbox holds, read, reconnect. Created on the
/// thread and never leaves it.
final class RedisLoop {
    /// What a connection is for.
    enum Purpose: Sendable {
        case commands
        /// Subscribes to channels, and hands over their messages.
        case messages(Subscriptions)
    }

    private enum Phase {
        case resting(until: Duration)
        case checking(HiredisLink, Handshake, until: Duration)
        case up(HiredisLink, RedisSession?)
    }

    private static let heartbeat: Duration = .seconds(1)
    /// Between two looks that are no further apart, a history that has another name has been renamed once. A promotion
    /// and a loss of the former name take longer: Redis keeps it for `repl-backlog-ttl`, an hour unless configured.
    private static let renameWindow: Duration = .seconds(2)
    private static let farewell: Duration = .seconds(2)

    private let configuration: RedisConfiguration
    private let purpose: Purpose
    private let mailbox: Mailbox
    private let logger: Logger
    private let clock = SystemClock()

    private var phase = Phase.resting(until: .zero)
    private var backoff = Backoff()
    private var sessions = 0
    private var nextHeartbeat: Duration = .zero
    private var heartbeatInfo: ServerInfo?
    /// When the last look at the server whose answer agreed was sent, and when the one under way was.
    private var agreedAt: Duration = .zero
    private var lookedAt: Duration = .zero
    private var heardAt: Duration = .zero
    private var isDenied = false
    private let outage: OutageLog
    private var hasConnected = false
    /// Why the connection must be dropped, once hiredis has returned: it would free itself under its own feet.
    private var doom: String?
    private var settled: [(Reply, RedisValue?)] = []
    private var closingAt: Duration?

    init(_ configuration: RedisConfiguration, _ purpose: Purpose, _ mailbox: Mailbox, _ logger: Logger) {
        self.configuration = configuration
        self.purpose = purpose
        self.mailbox = mailbox
        self.logger = logger
        let isForCommands = !purpose.listens
        outage = OutageLog(
            logger,
            clock: clock,
            began: isForCommands ? "no connection to Redis" : "not listening to Redis, trying again",
            ended: isForCommands ? "connected to Redis again" : "listening to Redis again",
            metadata: Self.metadata(configuration)
        )
    }

    private var link: HiredisLink? {
        switch phase {
        case .resting: nil
        case .checking(let link, _, _), .up(let link, _): link
        }
    }

    /// Runs until the mailbox is closed and what was in it is answered.
    func run() {
        var work = MailboxState.Work()
        while !isDone {
            mailbox.take(into: &work)
            let now = clock.uptime
            if let doubt = work.doubt, let link { drop(link, because: doubt) }
            submit(work.entries, at: now)
            keepTime(at: now)
            followListeners()
            if let link, link.wantsToWrite, case .up = phase, !(link.mayGrow && readAtOnce()) { link.write() }
            // Who came meanwhile is served at once; nobody else is looking, so sleeping would lose them.
            // And nothing will ever come from a connection that was refused on the spot.
            if work.entries.isEmpty, work.doubt == nil, link?.isAlive != false { sleep() }
            settle()
        }
        if let link { drop(link, because: "closed") }
    }

    private var isDone: Bool {
        guard mailbox.isClosed else { return false }
        if mailbox.waiting == 0 { return true }
        let now = clock.uptime
        closingAt = closingAt ?? now
        return now - closingAt! >= Self.farewell
    }

    /// Reads what is there, without waiting. Whether there was anything.
    private func readAtOnce() -> Bool {
        guard let link, wait(on: mailbox.pipe, and: link, timeout: .zero).canRead else { return false }
        link.read()
        return true
    }

    private func sleep() {
        let readiness = wait(on: mailbox.pipe, and: link, timeout: timeout)
        if readiness.isWoken { mailbox.pipe.drain() }
        if readiness.canRead { link?.read() }
        if readiness.canWrite { link?.write() }
    }

    /// Resumes whose wait is over; after the mailbox has room for what they send next, and, if the connection broke,
    /// after it takes nothing any more.
    private func settle() {
        guard let link else { return mailbox.rise(answered: 0) }
        link.takeSettled(into: &settled)
        mailbox.rise(answered: settled.count)
        if !link.isAlive { broke(link.failure) }
        Self.resume(settled)
        // What they send next then leaves in one write, not in many.
        if settled.count > 1 { yieldProcessor() }
        if let doom = doom.take(), link.isAlive { drop(link, because: doom) }
    }

    private static func resume(_ settled: [(Reply, RedisValue?)]) {
        for (caller, value) in settled {
            if let value {
                caller.answer(value)
            } else {
                caller.fail(SeckillError(.outcomeUnknown, "the connection to Redis broke before it answered"))
            }
        }
    }

    // MARK: Sending

    private func submit(_ entries: [MailboxState.Entry], at now: Duration) {
        for entry in entries {
            guard case .up(let link, _) = phase, link.submit(entry.command, to: .caller(entry.reply), at: now) else {
                entry.reply.fail(SeckillError(.unavailable, "the connection to Redis has just broken"))
                continue
            }
        }
    }

    /// Subscribes to channels whose first listener has come, and unsubscribes from those whose last one has gone.
    private func followListeners() {
        guard case .messages(let subscriptions) = purpose, case .up(let link, _) = phase else { return }
        for command in subscriptions.commands() { link.submit(command) }
    }

    // MARK: Time

    private var timeout: Duration? {
        let next: Duration?
        switch phase {
        case .resting(let until), .checking(_, _, let until): next = until
        case .up(_, nil): next = min(nextHeartbeat, heardAt + configuration.timeout * 3)
        case .up(let link, .some):
            let silence = link.inFlight.oldest.map { $0 + configuration.timeout * 3 }
            next = [nextHeartbeat, link.inFlight.nextOverdue(after: configuration.timeout), silence]
                .compactMap(\.self).min()
        }
        guard let next = closingAt.map({ min(next ?? .seconds(3600), $0 + Self.farewell) }) ?? next else { return nil }
        return max(.zero, next - clock.uptime)
    }

    private func keepTime(at now: Duration) {
        switch phase {
        case .resting(let until):
            if now >= until { connect(at: now) }
        case .checking(let link, _, let until):
            if now >= until { drop(link, because: "no answer within \(configuration.timeout)") }
        case .up(let link, nil):
            if link.hasHeard {
                link.hasHeard = false
                heardAt = now
            }
            if now - heardAt >= configuration.timeout * 3 {
                drop(link, because: "nothing was heard for \(configuration.timeout * 3)")
            } else if now >= nextHeartbeat {
                // Something answers at the other end, or the silence is noticed.
                nextHeartbeat = now + configuration.timeout
                outage.succeeded()
                link.submit(["PING"])
            }
        case .up(let link, let session?):
            link.giveUp(after: configuration.timeout, at: now)
            if let oldest = link.inFlight.oldest, now - oldest >= configuration.timeout * 3 {
                drop(link, because: "no answer within \(configuration.timeout * 3)")
            } else if now >= nextHeartbeat {
                nextHeartbeat = now + Self.heartbeat
                outage.succeeded()
                if heartbeatInfo == nil { lookAgain(link, session, at: now) }
            }
        }
    }

    // MARK: Connecting

    private func connect(at now: Duration) {
        agreedAt = now
        let address = resolved(configuration.address)
        mailbox.locate(address)
        let link = HiredisLink(address)
        let handshake =
            switch purpose {
            case .commands: Handshake(configuration, scripts: RedisScript.all)
            case .messages(let subscriptions): Handshake(configuration, channel: subscriptions.connecting())
            }
        phase = .checking(link, handshake, until: now + configuration.timeout)
        for command in handshake.commands {
            // A link that takes no more is dead, and the run loop finds it so.
            _ = link.submit(command, to: .own { [unowned self] in check($0) }, at: now)
        }
    }

    private func check(_ value: RedisValue?) {
        guard let value, doom == nil, case .checking(let link, var handshake, let until) = phase else { return }
        let verdict = handshake.receive(value)
        phase = .checking(link, handshake, until: until)
        switch verdict {
        case nil: break
        case .failed(let reason): doom = reason
        case .denied(let reason):
            isDenied = true
            doom = reason
        case .passed(let server): passed(link, server)
        }
    }

    private func passed(_ link: HiredisLink, _ server: ServerName?) {
        backoff.reset()
        let now = clock.uptime
        if !hasConnected {
            hasConnected = true
            logger.info(!purpose.listens ? "connected to Redis" : "listening to Redis", metadata: metadata)
        }
        switch purpose {
        case .commands:
            sessions += 1
            let session = RedisSession(number: sessions, server: server!)
            phase = .up(link, session)
            nextHeartbeat = now + Self.heartbeat
            mailbox.open(session)
        case .messages(let subscriptions):
            phase = .up(link, nil)
            (nextHeartbeat, heardAt) = (now + configuration.timeout, now)
            link.onMessage = { [unowned self] value in
                if case .error(let error) = value {
                    isDenied = error.isOfMissingRights
                    doom = "subscribing: \(error)"
                }
                guard let parts = value.array, parts.count == 3, parts[0].text == "message",
                    case .bytes(let channel) = parts[1], case .bytes(let message) = parts[2]
                else { return }
                subscriptions.deliver(message, to: channel)
            }
        }
    }

    private var metadata: Logger.Metadata { Self.metadata(configuration) }

    private static func metadata(_ configuration: RedisConfiguration) -> Logger.Metadata {
        ["seckill.redis": "\(configuration.address)"]
    }

    private func drop(_ link: HiredisLink, because reason: String) {
        link.free()
        broke(reason)
        link.takeSettled(into: &settled)
        Self.resume(settled)
    }

    private func broke(_ reason: String) {
        mailbox.shut(because: reason)
        heartbeatInfo = nil
        // Commands go on trying: buyers wait for them. What is only told by messages is found by the next look at the store.
        let longest = isDenied && purpose.listens ? Backoff.denied : Backoff.away
        isDenied = false
        phase = .resting(until: clock.uptime + backoff.next(SystemRandom(), longest: longest))
        if !mailbox.isClosed { outage.failed(reason) }
    }

    // MARK: Heartbeat

    /// Asks once a second whether this is still the server that was checked: a master that was made a replica and
    /// promoted back keeps its connections and its run id, and has lost data.
    private func lookAgain(_ link: HiredisLink, _ session: RedisSession, at now: Duration) {
        heartbeatInfo = ServerInfo()
        lookedAt = now
        for section in ["server", "replication"] {
            _ = link.submit(["INFO", section], to: .own { [unowned self] in compare($0, session, section) }, at: now)
        }
    }

    private func compare(_ value: RedisValue?, _ session: RedisSession, _ section: String) {
        guard let value, doom == nil, case .up(let link, session) = phase else { return }
        heartbeatInfo?.read(value)
        guard section == "replication" else { return }
        let verdict = heartbeatInfo?.verdict
        heartbeatInfo = nil
        switch verdict {
        case .passed(let server?) where server.run == session.server.run && server.history == session.server.history:
            agreedAt = lookedAt
        case .passed(let server?)
        where server.isRenamed(from: session.server) && clock.uptime - agreedAt <= Self.renameWindow:
            // The data are what they were, and so is what is on this connection.
            logger.notice("the history of Redis's data got another name, as it does for replicas", metadata: metadata)
            agreedAt = lookedAt
            let renamed = RedisSession(number: session.number, server: server, renames: session.renames + 1)
            phase = .up(link, renamed)
            mailbox.rename(renamed)
        case .passed: doom = "the server's contents were replaced"
        case .failed(let reason), .denied(let reason): doom = reason
        case nil: break
        }
    }
}

extension RedisLoop.Purpose {
    /// Whether it is messages that come, and not answers.
    fileprivate var listens: Bool {
        if case .messages = self { true } else { false }
    }
}

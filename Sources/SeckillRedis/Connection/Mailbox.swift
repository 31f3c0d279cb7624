internal import SeckillCore

/// The one place where callers and the connection's thread meet. Callers append; one of them wakes the thread if it
/// sleeps; the thread takes all there is at once.
final class Mailbox: Sendable {
    let pipe: WakePipe
    private let state: Locked<MailboxState>

    init(limit: Int) throws(SeckillError) {
        pipe = try WakePipe()
        state = Locked(MailboxState(limit: limit))
    }

    var session: RedisSession? { state.withLock(\.session) }
    var waiting: Int { state.withLock(\.waiting) }
    var isClosed: Bool { state.withLock(\.isClosed) }
    /// Where the last attempt to connect went; nil before the first.
    var address: RedisConfiguration.Address? { state.withLock(\.address) }

    func append(
        _ commands: some Collection<RedisCommand>,
        for reply: Reply,
        on session: RedisSession?
    ) throws(SeckillError) {
        let mustWake = try state.withLock { state throws(SeckillError) in
            try state.append(commands, for: reply, on: session)
        }
        if mustWake { pipe.wake() }
    }

    func take(into work: inout MailboxState.Work) { state.withLock { $0.take(into: &work) } }

    func suspect(_ session: RedisSession, because reason: String) {
        if state.withLock({ $0.suspect(session, because: reason) }) { pipe.wake() }
    }

    func rise(answered: Int) { state.withLock { $0.rise(answered: answered) } }

    func open(_ session: RedisSession) {
        for watcher in state.withLock({ $0.open(session) }) { watcher.answer(.null) }
    }

    func rename(_ session: RedisSession) { state.withLock { $0.rename(session) } }

    func locate(_ address: RedisConfiguration.Address) { state.withLock { $0.address = address } }

    /// Fails what never left.
    func shut(because reason: String) {
        for reply in state.withLock({ $0.shut(because: reason) }) {
            reply.fail(SeckillError(.unavailable, "no connection to Redis: \(reason)"))
        }
    }

    /// Waits for the attempt to connect that is under way.
    func settled() async throws {
        let watcher = Reply()
        _ = try await watcher.wait {
            if !state.withLock({ $0.watch(watcher) }) { watcher.answer(.null) }
        }
    }

    func close() {
        if state.withLock({ $0.close() }) { pipe.wake() }
    }
}

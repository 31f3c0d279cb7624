internal import Dispatch
internal import Logging
internal import SeckillCore
internal import Synchronization

/// An append-only file with group commit.
///
/// Callers append to a buffer in memory and wait; one thread of the journal's own writes all that is there in one
/// piece, syncs once, and resumes everybody whose entries that covered. The more callers, the larger the groups.
final class Journal: Sendable {
    /// Bounds, and what tests shorten.
    struct Limits: Sendable {
        /// Bytes that may wait in memory.
        var buffer = 8 << 20
        /// How long the disk may take before nothing more is admitted.
        var stall: Duration = .milliseconds(500)
        /// How long a caller waits before it is told that the outcome is unknown.
        var patience: Duration = .seconds(5)
        /// How often, in milliseconds of the machine's own clock, the two above are looked at.
        var watch = 50
        /// How soon, in milliseconds, a failed write is tried again at first; then twice as late each time.
        var retry = 10
        /// Below this size the file is never compacted.
        var compaction = 16 << 20
    }

    /// Whether anything new may be appended, and why not.
    private enum Gate: UInt8, AtomicRepresentable {
        case open, failing, stalled, full, closed, removed
    }

    struct State: Sendable {
        var buffer = GroupBuffer()
        /// The disk's thread has been called.
        var isScheduled = false
        var isFlushPlanned = false
        var isRetryPlanned = false
        var retryDelay: Int
        var isWatched = false
        var isFailing = false
        var isStalled = false
        var isClosed = false
        /// The file is no longer at its path. Nothing makes that undone but a restart.
        var isRemoved = false

        /// True if the disk's thread must now be called: something is to be written, and nobody has called it.
        mutating func schedule() -> Bool {
            guard buffer.oldest != nil, !isScheduled, !isClosed, !isRemoved else { return false }
            isScheduled = true
            return true
        }

        /// True if the watch must now begin.
        mutating func beginWatch() -> Bool {
            guard buffer.oldest != nil, !isWatched, !isClosed, !isRemoved else { return false }
            isWatched = true
            return true
        }
    }

    let identity: String
    let path: String
    private let limits: Limits
    private let clock: any SaleClock
    let logger: Logger
    private let outage: OutageLog
    /// Called after every group that has become durable.
    private let onCommit: @Sendable () -> Void
    let state: Locked<State>
    let writer: Locked<JournalWriter>
    let compaction: Compaction
    private let durable = Atomic<GroupBuffer.Ticket>(0)
    private let gate = Atomic(Gate.open)
    private let waiters = Atomic<UInt64>(0)
    /// The uptime, in milliseconds, from which on ``checkSoon()`` looks again.
    private let nextCheck = Atomic<Int64>(.min)
    let disk = DispatchQueue(label: "seckill.journal")
    private let watch = DispatchQueue(label: "seckill.journal.watch")

    /// - Parameter capture: returns what the journal's entries add up to, and calls its argument at the very moment
    ///   at which that is all that has been appended.
    init(
        _ writer: JournalWriter,
        limits: Limits,
        clock: any SaleClock,
        logger: Logger,
        capture: @escaping Compaction.Capture,
        onCommit: @escaping @Sendable () -> Void = {}
    ) {
        identity = writer.file.header.identity
        self.limits = limits
        self.clock = clock
        self.logger = logger
        outage = OutageLog(
            logger,
            clock: clock,
            level: .error,
            began: "the journal cannot be written; nothing is admitted until it can",
            ended: "the journal is written again",
            metadata: ["seckill.journal": "\(writer.path)"]
        )
        self.onCommit = onCommit
        compaction = Compaction(capture: capture, minimum: limits.compaction)
        state = Locked(State(retryDelay: limits.retry))
        path = writer.path
        self.writer = Locked(writer)
    }

    // MARK: Callers

    /// Throws unless something new may be appended. Costs one atomic read.
    func admit() throws(SeckillError) {
        switch gate.load(ordering: .relaxed) {
        case .open: return
        case .failing: throw SeckillError(.unavailable, "the journal cannot be written; it is being tried again")
        case .stalled: throw SeckillError(.unavailable, "the journal's disk does not keep up; try again later")
        case .full: throw SeckillError(.overloaded, "too much waits for the journal's disk; try again later")
        case .closed: throw SeckillError(.unavailable, "the journal is closed")
        case .removed:
            throw SeckillError(
                .unavailable,
                "the journal's file was removed or replaced while the server was running; restart the server"
            )
        }
    }

    /// Throws if the journal's files were removed or replaced. Costs one atomic read.
    func requireFiles() throws(SeckillError) {
        if gate.load(ordering: .relaxed) == .removed { try admit() }
    }

    /// Appends entries. They are on their way once somebody waits for them, or ``flushSoon()`` is called.
    func append(_ encode: (inout [UInt8]) -> Void) -> GroupBuffer.Ticket {
        state.withLock { state in
            let ticket = state.buffer.append(clock: clock, encode)
            if state.buffer.bytes > limits.buffer { updateGate(state) }
            return ticket
        }
    }

    /// The group of what was appended last.
    var lastTicket: GroupBuffer.Ticket { state.withLock { $0.buffer.lastTicket } }

    /// Groups that are durable.
    var durableTicket: GroupBuffer.Ticket { durable.load(ordering: .acquiring) }

    /// Returns once the group is durable.
    /// - Throws: `outcomeUnknown` if that takes too long or fails; it may still become so. `CancellationError`.
    func wait(for ticket: GroupBuffer.Ticket) async throws {
        if durableTicket >= ticket { return }
        let id = waiters.add(1, ordering: .relaxed).newValue
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in register(waiter, id, for: ticket) }
        } onCancel: {
            state.withLock { $0.buffer.cancel(id, waitingFor: ticket) }?.resume(throwing: CancellationError())
        }
    }

    private func register(_ waiter: GroupBuffer.Waiter, _ id: UInt64, for ticket: GroupBuffer.Ticket) {
        enum Fate { case waits, durable, failing, cancelled }
        let (fate, mustDrain, mustLook) = state.withLock { state -> (Fate, Bool, Bool) in
            let fate: Fate =
                if Task.isCancelled {
                    // Cancelled before this: the handler has run and found nobody. Cancelled after: it will find us.
                    .cancelled
                } else if state.isFailing || state.isClosed || state.isRemoved {
                    durableTicket >= ticket ? .durable : .failing
                } else {
                    state.buffer.wait(for: ticket, id: id, waiter) ? .waits : .durable
                }
            // Whatever becomes of the caller: what was appended has happened, and others wait to see it durable.
            return (fate, state.schedule(), state.beginWatch())
        }
        if mustDrain { disk.async { self.drain() } }
        if mustLook { lookLater() }
        switch fate {
        case .waits: break
        case .durable: waiter.resume()
        case .failing: waiter.resume(throwing: Self.unknown)
        case .cancelled: waiter.resume(throwing: CancellationError())
        }
    }

    /// Sees to it that what was appended is written before long, though nobody waits for it.
    func flushSoon() {
        let isFirst = state.withLock { state in
            // While the disk fails, the next attempt is planned already, and takes this with it.
            guard !state.isFlushPlanned, !state.isFailing, !state.isRemoved else { return false }
            state.isFlushPlanned = true
            return true
        }
        guard isFirst else { return }
        disk.asyncAfter(deadline: .now() + .milliseconds(20)) {
            self.state.withLock { $0.isFlushPlanned = false }
            self.drain()
        }
    }

    /// Writes what is left, if the disk takes it, and stops. Whoever waits then for what it did not take gets
    /// `outcomeUnknown`.
    func close() async {
        state.withLock { state in
            state.isClosed = true
            updateGate(state)
        }
        await onDisk { self.drain() }
        await endCompaction()
        // From here on the file may be another's. A retry or a flush that was planned before finds it so.
        await onDisk { self.writer.withLock { $0.letGo() } }
        for waiters in state.withLock({ $0.buffer.giveUp() }) { waiters.resume(throwing: Self.unknown) }
    }

    func onDisk(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { done in
            disk.async {
                work()
                done.resume()
            }
        }
    }

    /// Whether nothing will be written any more.
    var isClosed: Bool {
        let gate = gate.load(ordering: .relaxed)
        return gate == .closed || gate == .removed
    }

    private static let unknown = SeckillError(
        .outcomeUnknown,
        "the journal's disk has not confirmed it; look again later, or repeat it"
    )

    private func updateGate(_ state: State) {
        let now: Gate =
            if state.isRemoved {
                .removed
            } else if state.isClosed {
                .closed
            } else if state.isFailing {
                .failing
            } else if state.isStalled {
                .stalled
            } else if state.buffer.bytes > limits.buffer {
                .full
            } else {
                .open
            }
        gate.store(now, ordering: .relaxed)
    }

    // MARK: The disk's thread

    /// Writes group after group until none is left or one fails.
    func drain() {
        guard writer.withLock({ $0.isOurs }), !state.withLock({ $0.isRemoved }) else { return }
        do {
            if writer.withLock({ $0.isStuck }) {
                try writer.withLock { writer throws(FileError) in try writer.commitAgain() }
                guard try isInPlace() else { return }
                confirm()
            }
            succeedIfReady()
            while let frame = take() {
                try writer.withLock { writer throws(FileError) in try writer.commit(frame) }
                guard try isInPlace() else { return }
                confirm()
                compactIfDue()
                succeedIfReady()
            }
            writer.withLock { $0.mark() }
        } catch {
            fail(error)
        }
    }

    /// Whether what was written is where the next start looks for it. If not, nothing is acknowledged any more: it would
    /// be lost with the process.
    private func isInPlace() throws -> Bool {
        guard let path = try writer.withLock({ writer throws(FileError) in try writer.missingPath() }) else {
            return true
        }
        let (waiters, isNew) = state.withLock { state in
            let isNew = !state.isRemoved
            state.isRemoved = true
            updateGate(state)
            return (state.buffer.giveUp(), isNew)
        }
        if isNew {
            logger.critical(
                """
                a file of the journal was removed or replaced while the server was running; nothing is admitted until \
                the server is restarted
                """,
                metadata: ["seckill.journal": "\(self.path)", "seckill.missing": "\(path)"]
            )
        }
        for waiters in waiters { waiters.resume(throwing: Self.unknown) }
        return false
    }

    /// Looks whether the files are still in place, on the disk's thread.
    /// - Throws: `unavailable` if they are not, or nothing may be appended for another reason.
    func check() async throws {
        await onDisk { self.checkNow() }
        try admit()
    }

    private func checkNow() {
        guard writer.withLock({ $0.isOurs }) else { return }
        // A system that does not answer says nothing of the files; the next look or write finds out.
        _ = try? isInPlace()
    }

    /// Looks before long whether the files are still in place; at most once in 100 ms, however often it is called.
    func checkSoon() {
        let now = clock.uptime.milliseconds
        let due = nextCheck.load(ordering: .relaxed)
        guard now >= due, nextCheck.compareExchange(expected: due, desired: now + 100, ordering: .relaxed).exchanged
        else { return }
        disk.async { self.checkNow() }
    }

    private func take() -> Frame? {
        state.withLock { state in
            let frame = state.buffer.take()
            if frame == nil { state.isScheduled = false }
            return frame
        }
    }

    private func confirm() {
        durable.add(1, ordering: .releasing)
        let now = clock.uptime
        let waiters = state.withLock { state in
            let waiters = state.buffer.confirm()
            state.isFailing = false
            state.retryDelay = limits.retry
            state.isStalled = state.buffer.oldest.map { now - $0 > limits.stall } ?? false
            updateGate(state)
            return waiters
        }
        onCommit()
        waiters.resume()
        outage.succeeded()
    }

    /// Keeps what is stuck, sends everybody away and tries again later: for ever, because a disk that heals should not
    /// need a restart too.
    private func fail(_ error: any Error) {
        outage.failed(error)
        let (waiters, delay) = state.withLock { state in
            state.isFailing = true
            // Whoever appends from now on finds the retry on its way.
            state.isScheduled = true
            updateGate(state)
            guard !state.isRetryPlanned, !state.isClosed else { return (state.buffer.giveUp(), nil as Int?) }
            state.isRetryPlanned = true
            defer { state.retryDelay = min(state.retryDelay * 2, 1000) }
            return (state.buffer.giveUp(), state.retryDelay)
        }
        for waiters in waiters { waiters.resume(throwing: Self.unknown) }
        guard let delay else { return }
        disk.asyncAfter(deadline: .now() + .milliseconds(delay)) {
            self.state.withLock { $0.isRetryPlanned = false }
            self.drain()
        }
    }

    // MARK: The watch

    private func lookLater() {
        watch.asyncAfter(deadline: .now() + .milliseconds(limits.watch)) { self.look() }
    }

    /// Stops admission while the disk takes too long, and sends away those who have waited too long.
    func look() {
        let now = clock.uptime
        let (expired, mustDrain, again) = state.withLock { state in
            let oldest = state.buffer.oldest
            // Nothing can take too long that the disk was not asked for.
            let mustDrain = state.schedule()
            state.isStalled = !mustDrain && oldest.map { now - $0 > limits.stall } ?? false
            state.isWatched = oldest != nil && !state.isClosed && !state.isRemoved
            updateGate(state)
            return (state.buffer.giveUp(appendedBefore: now - limits.patience), mustDrain, state.isWatched)
        }
        if mustDrain { disk.async { self.drain() } }
        for waiters in expired { waiters.resume(throwing: Self.unknown) }
        if again { lookLater() }
    }

    // MARK: What compaction needs

    /// See ``GroupBuffer/cut()``.
    func cut() -> GroupBuffer.Ticket { state.withLock { $0.buffer.cut() } }
}

internal import CHiredis
internal import SeckillCore

/// One hiredis context and the line of those who wait for its answers. All of C is here.
///
/// Belongs to one thread, and must outlive its context: call ``free()`` before letting go.
final class HiredisLink {
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private(set) var wantsToRead = false
    private(set) var wantsToWrite = false
    /// Why the context is gone.
    private(set) var failure = "the connection was closed"
    private(set) var inFlight = InFlight()
    /// Callers whose wait is over, and what they get. Nil is a broken connection.
    private var settled: [(Reply, RedisValue?)] = []
    /// Commands in the output buffer that no write has been tried for.
    private(set) var unsent = 0
    private var onMessage: ((RedisValue) -> Void)?

    /// Begins to connect. Resolving a host name blocks.
    init(_ address: RedisConfiguration.Address) {
        let context =
            switch address {
            case .tcp(let host, let port): redisAsyncConnect(host, CInt(port))
            case .unix(let path): redisAsyncConnectUnix(path)
            }
        guard let context else {
            failure = "out of memory"
            return
        }
        guard context.pointee.err == 0 else {
            failure = String(cString: context.pointee.errstr)
            redisAsyncFree(context)
            return
        }
        self.context = context
        // Unowned by C: the context is freed before this object is.
        let owner = Unmanaged.passUnretained(self).toOpaque()
        seckill_redis_attach(
            context,
            owner,
            { HiredisLink.at($0).wantsToRead = true },
            { HiredisLink.at($0).wantsToRead = false },
            { HiredisLink.at($0).wantsToWrite = true },
            { HiredisLink.at($0).wantsToWrite = false },
            { HiredisLink.at($0).contextIsFreed() }
        )
        // A peer that is gone without a word is noticed even where nothing is asked.
        if case .tcp = address { _ = redisEnableKeepAlive(&context.pointee.c) }
        redisAsyncSetConnectCallback(context) { _, _ in }
    }

    var isAlive: Bool { context != nil }

    /// What to poll.
    var descriptor: CInt { context.map { seckill_redis_descriptor($0) } ?? -1 }

    /// Puts a command into the output buffer. False if the context takes no more, and then nothing was sent.
    func submit(_ command: RedisCommand, to receiver: InFlight.Receiver, at now: Duration) -> Bool {
        guard let context else { return false }
        let accepted = command.terminated.withUnsafeBytes { bytes in
            let text = bytes.assumingMemoryBound(to: CChar.self)
            return redisAsyncFormattedCommand(
                context,
                { context, reply, owner in HiredisLink.at(owner).receive(reply) },
                Unmanaged.passUnretained(self).toOpaque(),
                text.baseAddress,
                text.count - 1
            )
        }
        guard accepted == REDIS_OK else { return false }
        inFlight.append(receiver, at: now)
        unsent += 1
        return true
    }

    /// Asks for the messages of a channel. From then on the context carries nothing else.
    func subscribe(to channel: String, _ onMessage: @escaping (RedisValue) -> Void) -> Bool {
        guard let context else { return false }
        self.onMessage = onMessage
        return RedisCommand(["SUBSCRIBE", channel]).terminated.withUnsafeBytes { bytes in
            let text = bytes.assumingMemoryBound(to: CChar.self)
            return redisAsyncFormattedCommand(
                context,
                { context, reply, owner in
                    guard let value = HiredisLink.copy(reply) else { return }
                    HiredisLink.at(owner).onMessage?(value)
                },
                Unmanaged.passUnretained(self).toOpaque(),
                text.baseAddress,
                text.count - 1
            )
        } == REDIS_OK
    }

    /// Reads what has arrived. ``takeSettled()`` says whom it is for.
    func read() {
        if let context { redisAsyncHandleRead(context) }
    }

    /// Whether more commands are worth waiting for before these are sent: answers to so many are still to come that
    /// Redis has work enough, and their callers will be here again at once.
    var mayGrow: Bool { unsent < 32 && inFlight.count - unsent >= 16 }

    /// Writes as much as the socket takes.
    func write() {
        unsent = 0
        if let context { redisAsyncHandleWrite(context) }
    }

    /// Ends the connection; not from within a callback. ``takeSettled()`` names everybody who was in line.
    func free() {
        if let context { redisAsyncFree(context) }
    }

    /// Tells callers that have waited for `timeout` that they need wait no longer.
    func giveUp(after timeout: Duration, at now: Duration) {
        for reply in inFlight.overdue(at: now, after: timeout) {
            reply.fail(SeckillError(.outcomeUnknown, "Redis has not answered within \(timeout)"))
        }
    }

    /// - Parameter spare: what the last call returned, done with; its buffer is used again.
    func takeSettled(into spare: inout [(Reply, RedisValue?)]) {
        spare.removeAll(keepingCapacity: true)
        swap(&spare, &settled)
    }

    // MARK: Called by hiredis

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> HiredisLink {
        Unmanaged<HiredisLink>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func receive(_ reply: UnsafeMutableRawPointer?) {
        let value = Self.copy(reply)
        switch inFlight.next() {
        case .caller(let caller): settled.append((caller, value))
        case .own(let receive): receive(value)
        case nil: break
        }
    }

    private func contextIsFreed() {
        if let context, context.pointee.err != 0 { failure = String(cString: context.pointee.errstr) }
        context = nil
    }

    private static func copy(_ reply: UnsafeMutableRawPointer?) -> RedisValue? {
        reply.map { copy($0.assumingMemoryBound(to: redisReply.self)) }
    }

    private static func copy(_ reply: UnsafeMutablePointer<redisReply>) -> RedisValue {
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: .integer(Int(reply.pointee.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: .bytes(Array(bytes(of: reply)))
        case REDIS_REPLY_ERROR: .error(RedisError(String(decoding: bytes(of: reply), as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            .array((0..<Int(reply.pointee.elements)).map { copy(reply.pointee.element[$0]!) })
        case REDIS_REPLY_NIL: .null
        default: .error(RedisError("ERR an answer of a kind this client does not know"))
        }
    }

    private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len))
    }
}

internal import CHiredis
internal import SeckillCore

/// One socket to Redis, and the line of callers that wait for its answers. All of C is here.
///
/// Of hiredis it uses the parser and the buffers, not the asynchronous layer: that one ends the process with an
/// assertion when the server sends something that nothing was asked for.
///
/// Belongs to one thread. Call ``free()`` before letting go.
final class HiredisLink {
    private var context: UnsafeMutablePointer<redisContext>?
    private var isConnected = false
    private var hasOutput = false
    /// Why the connection is gone.
    private(set) var failure = "the connection was closed"
    private(set) var inFlight = InFlight()
    /// Callers whose wait is over, and what they get. Nil is a broken connection.
    private var settled: [(Reply, RedisValue?)] = []
    /// Commands in the output buffer that no write has been tried for.
    private(set) var unsent = 0
    /// Gets what arrives when no command waits for an answer. Without it, such an answer breaks the connection.
    var onMessage: ((RedisValue) -> Void)?
    /// Whether anything has arrived since this was last set to false.
    var hasHeard = false

    /// Begins to connect. Resolving a host name blocks.
    init(_ address: RedisConfiguration.Address) {
        let context =
            switch address {
            case .tcp(let host, let port): redisConnectNonBlock(host, CInt(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let context else {
            failure = "out of memory"
            return
        }
        self.context = context
        if context.pointee.err != 0 {
            fail()
        } else if case .tcp = address {
            // A peer that is gone without a word is noticed even where nothing is asked.
            _ = redisEnableKeepAlive(context)
        }
    }

    var isAlive: Bool { context != nil }
    var wantsToRead: Bool { isConnected }
    /// A socket that is connecting becomes writable when that has ended.
    var wantsToWrite: Bool { isAlive && (!isConnected || hasOutput) }

    /// What to poll.
    var descriptor: CInt { context.map { seckill_redis_descriptor($0) } ?? -1 }

    /// Puts a command into the output buffer. False if the connection is gone, and then nothing was sent.
    func submit(_ command: RedisCommand, to receiver: InFlight.Receiver, at now: Duration) -> Bool {
        guard append(command) else { return false }
        inFlight.append(receiver, at: now)
        return true
    }

    /// Puts a command into the output buffer whose answer is a message. Does nothing if the connection is gone.
    func submit(_ command: RedisCommand) { _ = append(command) }

    private func append(_ command: RedisCommand) -> Bool {
        guard let context else { return false }
        let code = command.encoded.withUnsafeBytes { bytes in
            redisAppendFormattedCommand(context, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
        }
        guard code == REDIS_OK else {
            fail()
            return false
        }
        hasOutput = true
        unsent += 1
        return true
    }

    /// Reads what has arrived. ``takeSettled(into:)`` says who it is for.
    func read() {
        guard let context else { return }
        guard redisBufferRead(context) == REDIS_OK else { return fail() }
        while self.context != nil {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { return fail() }
            guard let reply else { return }
            let value = Self.copy(reply.assumingMemoryBound(to: redisReply.self))
            freeReplyObject(reply)
            hasHeard = true
            receive(value)
        }
    }

    /// Whether more commands are worth waiting for before these are sent: answers to so many are still to come that
    /// Redis has work enough, and their callers will be here again at once.
    var mayGrow: Bool { unsent < 32 && inFlight.count - unsent >= 16 }

    /// Writes as much as the socket takes.
    func write() {
        unsent = 0
        guard let context else { return }
        if !isConnected {
            if let error = socketError(descriptor) { return fail(error) }
            isConnected = true
        }
        var isDone: CInt = 0
        guard redisBufferWrite(context, &isDone) == REDIS_OK else { return fail() }
        hasOutput = isDone == 0
    }

    /// Ends the connection. ``takeSettled(into:)`` names all callers that were in line.
    func free() { fail(failure) }

    private func fail(_ reason: String? = nil) {
        guard let context else { return }
        failure = reason ?? String(cString: seckill_redis_error(context))
        redisFree(context)
        self.context = nil
        isConnected = false
        while let receiver = inFlight.next() { answer(receiver, nil) }
    }

    private func receive(_ value: RedisValue?) {
        guard let value else { return fail("Redis sent an answer of a kind that this client does not know") }
        if let receiver = inFlight.next() {
            answer(receiver, value)
        } else if let onMessage {
            onMessage(value)
        } else {
            fail("Redis sent an answer that nothing was asked for")
        }
    }

    private func answer(_ receiver: InFlight.Receiver, _ value: RedisValue?) {
        switch receiver {
        case .caller(let caller): settled.append((caller, value))
        case .own(let receive): receive(value)
        }
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

    /// Nil for a kind that only later protocols have: where one stands, what follows cannot be told apart.
    private static func copy(_ reply: UnsafeMutablePointer<redisReply>) -> RedisValue? {
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: return .integer(Int(reply.pointee.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return .bytes(Array(bytes(of: reply)))
        case REDIS_REPLY_ERROR: return .error(RedisError(String(decoding: bytes(of: reply), as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            var values: [RedisValue] = []
            values.reserveCapacity(Int(reply.pointee.elements))
            for index in 0..<Int(reply.pointee.elements) {
                guard let value = copy(reply.pointee.element[index]!) else { return nil }
                values.append(value)
            }
            return .array(values)
        case REDIS_REPLY_NIL: return .null
        default: return nil
        }
    }

    private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len))
    }
}

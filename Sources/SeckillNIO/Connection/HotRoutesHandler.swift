internal import NIOCore

/// Stands in front of the HTTP parser: answers what it may of what ``HotRoutes`` knows, and passes everything else on as
/// it came.
///
/// While an answer is due, from here or from the server behind, or the client does not take what it has been given, it
/// holds back what comes, whatever it is, and reads no more once it holds something. So answers leave in the order in which
/// they were asked for, and memory is bounded by two reads. After ``turn`` requests in a row, and whenever an answer of the
/// server behind was waited for, the connection lets others go first.
final class HotRoutesHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    private enum Held {
        case bytes(ByteBuffer)
        case event(Any)
    }

    /// How many requests are taken before it is another connection's turn.
    static let turn = 16
    /// How much is passed on at once of what may hold any number of requests.
    private static let unreadLimit = 4096

    var connection = HotConnection()
    private let routes: any HotRoutes
    private let server: ServerConnections
    private let idleTimeout: TimeAmount?
    private var executor: EventLoopExecutor?

    /// The other connections of the same event loop; nil before the channel has one.
    private var others: LoopConnections?
    /// The place among them while it is idle; nil while it is not counted.
    private var member: IdleList.Member?
    private var context: ChannelHandlerContext?
    /// A request has come whole.
    private var hasAsked = false
    /// Something else than HTTP is spoken.
    private var hasLeft = false

    /// An answer is due from here.
    private var isAnswering = false
    /// Answers must be out before what is held may go on.
    private var isFlushing = false
    /// How many more requests are taken in this turn.
    private var requestsLeft = turn
    private var isWaitingForTurn = false
    /// The server behind must answer before anything goes on.
    private var isBehindBusy = false
    /// The server behind owes an answer to a request that was passed on in a turn.
    private var isTurnUnanswered = false
    /// Bytes or events are being looked at.
    private var isBusy = false
    private var held: CircularBuffer<Held> = []
    private var isReadWanted = false
    private var mustFlush = false
    private var hasPassedOn = false
    private var hasAnswered = false
    private var isActive = true

    /// When something was last asked or answered, here or behind.
    var lastActive: NIODeadline = .uptimeNanoseconds(0)
    private var idleAlarm: Scheduled<Void>?

    /// How long a shutdown waits here for a client to take its answers.
    private static let quiesceLimit: TimeAmount = .seconds(2)
    private var quiesceAlarm: Scheduled<Void>?

    init(_ routes: any HotRoutes, in server: ServerConnections, idleTimeout: TimeAmount?) {
        self.routes = routes
        self.server = server
        self.idleTimeout = idleTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        others = server.on(context.eventLoop)
        lastActive = context.eventLoop.now
        if let idleTimeout { setIdleAlarm(lastActive + idleTimeout, context) }
        // One read at a time, or a client that sends much would have its turn several times over.
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        if context.channel.isActive { countIn(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelAlarms()
        countOut()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if context.channel.isActive { countIn(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isActive = false
        held.removeAll()
        cancelAlarms()
        countOut()
        context.fireChannelInactive()
    }

    // MARK: Room

    private func countIn(_ context: ChannelHandlerContext) {
        guard member == nil, let others else { return }
        let member = IdleList.Member { context.close(promise: nil) }
        self.member = member
        others.opened(member)
    }

    private func countOut() {
        endTurn()
        guard let member else { return }
        self.member = nil
        others?.closed(member)
    }

    /// Whether everybody waits for the client: for a request, for the rest of one, or for it to take what it is given.
    private func isIdle(_ context: ChannelHandlerContext) -> Bool {
        if hasLeft { return false }
        return !context.channel.isWritable || !isAnswering && !isWaitingForTurn && !connection.owesAnswer
    }

    /// Notes whether the connection is idle.
    ///
    /// - Parameter isRecent: whether it was idle for no time at all, whatever was known of it. Bytes that are no whole
    ///   request do not make it so.
    private func noteIdleness(_ context: ChannelHandlerContext, isRecent: Bool) {
        guard let member else { return }
        if !isIdle(context) {
            member.leave()
        } else if isRecent || !member.isIdle {
            others?.idles(member, isKnown: hasAsked)
        }
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActive = context.eventLoop.now
        let bytes = unwrapInboundIn(data)
        if !isWaitingForTurn { requestsLeft = Self.turn }
        take(.bytes(bytes), context)
        noteIdleness(context, isRecent: requestsLeft < Self.turn)
    }

    func channelReadComplete(context: ChannelHandlerContext) { endBurst(context) }

    func read(context: ChannelHandlerContext) {
        if isHolding {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastActive = context.eventLoop.now
        if context.channel.isWritable { release(context) }
        context.fireChannelWritabilityChanged()
        noteIdleness(context, isRecent: false)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        take(.event(event), context)
        if isQuiesceHeld { setQuiesceAlarm(context) }
    }

    /// An answer that is due is no reason yet: most clients wait for it, and to stop reading and begin again costs two
    /// calls of the system.
    private var isHolding: Bool { isFlushing || !held.isEmpty }

    /// Nothing that is held may go on.
    private var isStopped: Bool { isAnswering || isFlushing || isWaitingForTurn || isBehindBusy }

    private func take(_ new: Held, _ context: ChannelHandlerContext) {
        held.append(new)
        if !isStopped, held.count == 1 { goOn(context) }
    }

    /// Goes on with what is held, as far as it goes.
    private func goOn(_ context: ChannelHandlerContext) {
        guard !isBusy else { return }
        isBusy = true
        defer { isBusy = false }
        while !isStopped, let next = held.popFirst() {
            let rest: Held? =
                switch next {
                case .bytes(let bytes): pass(bytes, context).map { .bytes($0) }
                case .event(let event): pass(event, context).map { .event($0) }
                }
            if let rest { return held.prepend(rest) }
        }
    }

    /// Goes on once there is no more reason to hold anything.
    private func release(_ context: ChannelHandlerContext) {
        goOn(context)
        endBurst(context)
        guard !isHolding, isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    private func endBurst(_ context: ChannelHandlerContext) {
        if mustFlush {
            mustFlush = false
            context.flush()
        }
        if hasPassedOn {
            hasPassedOn = false
            context.fireChannelReadComplete()
        }
    }

    /// Answers the requests in `bytes` or passes them on. What must be held.
    private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if hasLeft {
                passOn(bytes, context)
                return nil
            }
            if connection.bodyLeft > 0, !connection.isRetired {
                let count = min(connection.bodyLeft, bytes.readableBytes)
                connection.willPass(ofBody: count)
                passOn(bytes.readSlice(length: count)!, context)
                connection.didPass()
                continue
            }
            guard mayGoOn() else { return bytes }
            guard connection.isAtBoundary, let request = bytes.withUnsafeReadableBytes({ PlainRequest($0) }) else {
                let part = bytes.readSlice(length: min(bytes.readableBytes, Self.unreadLimit))!
                let endsInEmptyLine = part.readableBytesView.suffix(4).elementsEqual("\r\n\r\n".utf8)
                let heads = connection.heads
                passOn(part, context)
                connection.didPassUnread(endsInEmptyLine: endsInEmptyLine)
                requestsLeft = max(0, requestsLeft - (connection.heads - heads))
                continue
            }
            requestsLeft -= 1
            if connection.mayAnswer, request.bodyLength == 0 {
                guard context.channel.isWritable else { return bytes }
                switch routes.answer(HotRequest(request, bytes)) {
                case .elsewhere: break
                case .now(let answer):
                    hasAsked = true
                    bytes.moveReaderIndex(forwardBy: request.length)
                    write(answer, context)
                    continue
                case .later(let answer):
                    hasAsked = true
                    bytes.moveReaderIndex(forwardBy: request.length)
                    wait(for: answer, context)
                    if isAnswering { return bytes.readableBytes > 0 ? bytes : nil }
                    continue
                }
            }
            let count = min(request.bodyLength, bytes.readableBytes - request.length)
            connection.willPass(bodyLength: request.bodyLength, having: count)
            passOn(bytes.readSlice(length: request.length + count)!, context)
            connection.didPass()
        }
        return nil
    }

    /// Whether another request may be taken now. If not, it is known who will see to it that it goes on.
    private func mayGoOn() -> Bool {
        if connection.owesAnswer {
            isBehindBusy = true
        } else if requestsLeft == 0 {
            waitForTurn()
        }
        return !isStopped
    }

    private func waitForTurn() {
        guard !isWaitingForTurn else { return }
        isWaitingForTurn = true
        others?.waitForTurn(self)
    }

    /// Goes on after others had their turn. Whether the server behind now owes an answer.
    func takeTurn() -> Bool {
        isWaitingForTurn = false
        guard isActive, let context else { return false }
        requestsLeft = Self.turn
        release(context)
        noteIdleness(context, isRecent: true)
        isTurnUnanswered = isActive && connection.owesAnswer
        return isTurnUnanswered
    }

    private func endTurn() {
        guard isTurnUnanswered else { return }
        isTurnUnanswered = false
        others?.turnAnswered()
    }

    /// The server behind begins to answer.
    func behindAnswers(isLast: Bool) {
        connection.responseBegan(isLast: isLast)
        endTurn()
    }

    /// The server behind has answered a request.
    func behindAnswered() {
        connection.responseEnded()
        guard let context else { return }
        lastActive = context.eventLoop.now
        hasAsked = true
        if isBehindBusy, !connection.owesAnswer {
            isBehindBusy = false
            waitForTurn()
        }
        noteIdleness(context, isRecent: true)
    }

    /// Passes `event` on unless it must be held. What ends the connection waits until the client has our answers: the
    /// server behind, who knows nothing of them, might close.
    private func pass(_ event: Any, _ context: ChannelHandlerContext) -> Any? {
        if event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed {
            if hasAnswered {
                hasAnswered = false
                flush(context)
                if isFlushing { return event }
            }
            connection.retire()
        }
        context.fireUserInboundEventTriggered(event)
        return nil
    }

    /// Sends what has been answered, and holds everything until it is out.
    private func flush(_ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        isFlushing = true
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.isFlushing = false
            self.release(context)
        }
        mustFlush = false
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    private func passOn(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        hasPassedOn = true
        context.fireChannelRead(wrapInboundOut(bytes))
    }

    // MARK: Out

    private func write(_ answer: ByteBuffer, _ context: ChannelHandlerContext) {
        mustFlush = true
        hasAnswered = true
        context.write(wrapOutboundOut(answer), promise: nil)
    }

    private func wait(for answer: @escaping @Sendable () async -> ByteBuffer, _ context: ChannelHandlerContext) {
        isAnswering = true
        let loop = context.eventLoop
        let executor = self.executor ?? EventLoopExecutor(loop)
        self.executor = executor
        let here = NIOLoopBound((self, context), eventLoop: loop)
        // Begins here and now: an answer that waits for nothing is there before this returns.
        Task.immediate(executorPreference: executor) {
            let bytes = await answer()
            let (handler, context) = here.value
            handler.answered(bytes, context)
        }
    }

    private func answered(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        isAnswering = false
        guard isActive else { return }
        lastActive = context.eventLoop.now
        write(bytes, context)
        guard !isBusy else { return }
        release(context)
        noteIdleness(context, isRecent: true)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        connection.retire()
        context.close(mode: mode, promise: promise)
    }

    // MARK: Alarms

    /// From here on something else than HTTP is spoken.
    func leave() {
        connection.retire()
        hasLeft = true
        member?.leave()
        idleAlarm?.cancel()
        idleAlarm = nil
    }

    private func cancelAlarms() {
        idleAlarm?.cancel()
        idleAlarm = nil
        quiesceAlarm?.cancel()
        quiesceAlarm = nil
    }

    private func setIdleAlarm(_ due: NIODeadline, _ context: ChannelHandlerContext) {
        idleAlarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.ring(context) }
    }

    /// One alarm serves many deadlines: it looks when it rings whether its time was moved. While an answer is due, it is
    /// not the client who is idle, unless it does not take what it has been given.
    private func ring(_ context: ChannelHandlerContext) {
        guard let idleTimeout, isActive else { return }
        let now = context.eventLoop.now
        if isAnswering || connection.owesAnswer, context.channel.isWritable { lastActive = now }
        let due = lastActive + idleTimeout
        guard now >= due else { return setIdleAlarm(due, context) }
        idleAlarm = nil
        others?.timedOut()
        context.close(promise: nil)
    }

    private var isQuiesceHeld: Bool {
        held.contains { if case .event(let event) = $0 { event is ChannelShouldQuiesceEvent } else { false } }
    }

    /// A client that does not take its answers does not keep a server from stopping.
    private func setQuiesceAlarm(_ context: ChannelHandlerContext) {
        quiesceAlarm?.cancel()
        quiesceAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: Self.quiesceLimit) {
            guard self.isActive, self.isQuiesceHeld else { return }
            guard self.isFlushing || !context.channel.isWritable else { return self.setQuiesceAlarm(context) }
            context.close(promise: nil)
        }
    }
}

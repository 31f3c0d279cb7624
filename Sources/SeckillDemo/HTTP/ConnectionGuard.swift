internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import SeckillNIO

/// Guards one connection where routes cannot: a request must arrive in time (408), its head must fit (431), what is no
/// HTTP is said to be none (400), and at shutdown every request that was sent is answered.
///
/// Sits behind the HTTP decoder, with two scouts in front of it that tell what it cannot see from there.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        /// From a request's first byte to its last.
        var arrival: TimeAmount = .seconds(10)
        /// The same once the server is stopping.
        var arrivalAtShutdown: TimeAmount = .milliseconds(500)
        /// How long a stopping server waits for a client to read its answers.
        var readingAtShutdown: TimeAmount = .seconds(2)
        /// How long a quiet connection stays open at shutdown, for a request that is under way.
        var grace: TimeAmount = .seconds(1)
        /// How long a refused client may take to read why.
        var linger: TimeAmount = .seconds(1)
        /// The same once the server is stopping.
        var lingerAtShutdown: TimeAmount = .milliseconds(250)
    }

    /// How long a connection stays open on which nothing happens.
    static let idleTimeout: TimeAmount = .seconds(60)

    private let limits: Limits
    private let routes: any HotRoutes
    private let connections: ServerConnections
    private var state = ConnectionState()
    private var deadline: NIODeadline?
    private var alarm: Scheduled<Void>?
    private var alarmDue: NIODeadline?
    private var isLingering = false
    private var readingAlarm: Scheduled<Void>?
    /// What came last of a body, in the bytes that are being decoded.
    private var lastBody: ByteBuffer?

    /// - Parameters:
    ///   - connections: all connections of the same listening socket.
    ///   - routes: what is answered ahead of everything.
    init(limits: Limits = Limits(), in connections: ServerConnections, ahead routes: any HotRoutes = ColdSite()) {
        self.limits = limits
        self.connections = connections
        self.routes = routes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(ByteScout(), position: .before(decoder))
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(VersionScout(), position: .before(codec))
            try pipeline.addHotRoutes(routes, in: connections, idleTimeout: Self.idleTimeout)
        } catch {
            // Without them the connection would be unguarded.
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancelAlarms() }

    func channelInactive(context: ChannelHandlerContext) {
        cancelAlarms()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !state.isDeaf else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.isComparable else { return perform(state.refuse(.badRequest), context) }
            if head.expectsContinue, state.isQuiet {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            state.requestBegan(isLast: head.isLast)
        case .body(let bytes): lastBody = bytes
        case .end:
            state.requestEnded()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !state.isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if state.responseBegan() { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            let action = state.responseEnded()
            guard action == .close else {
                context.write(data, promise: promise)
                return perform(action, context)
            }
            let written = promise ?? context.eventLoop.makePromise()
            context.writeAndFlush(data, promise: written)
            written.futureResult.assumeIsolated().whenComplete { _ in self.perform(action, context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !state.isOver, error is HTTPParserError || error is HTTP1TypeConversionError else {
            return context.fireErrorCaught(error)
        }
        guard !state.isDeaf else { return }
        let isTooLarge = error as? HTTPParserError == .headerOverflow
        perform(state.refuse(isTooLarge ? .headTooLarge : .badRequest), context)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isLingering, mode == .all else { return context.close(mode: mode, promise: promise) }
        if let promise { context.channel.closeFuture.cascade(to: promise) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ByteScout.BytesArrived:
            guard state.bytesArrived() else { return }
            expectArrival(context)
        case let decoded as ByteScout.BytesDecoded:
            defer { lastBody = nil }
            // A request that began behind another, in the same bytes.
            guard !state.isDeaf, deadline == nil, state.isArriving || !endsRequest(decoded.bytes) else { return }
            _ = state.bytesArrived()
            expectArrival(context)
        case is ChannelShouldQuiesceEvent:
            // A refused client that is still reading why is closed by the alarm that is set already.
            guard !isLingering else { return }
            state.stop()
            expectReader(context)
            wait(state.isIdle ? limits.grace : limits.arrivalAtShutdown, context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Deadlines

    private func expectArrival(_ context: ChannelHandlerContext) {
        wait(state.isStopping ? limits.arrivalAtShutdown : limits.arrival, context)
    }

    /// Whether `bytes`, which have been decoded, end with a request: with the empty line of a head or of chunks, or with
    /// what came last of a body.
    private func endsRequest(_ bytes: ByteBuffer) -> Bool {
        let bytes = bytes.readableBytesView
        // Of which the first part may have come before.
        if bytes.suffix(3).allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) { return true }
        guard let body = lastBody?.readableBytesView else { return false }
        return bytes.suffix(body.count).elementsEqual(body)
    }

    /// At shutdown an answer is waited for, but not a client that does not read what it has been given.
    private func expectReader(_ context: ChannelHandlerContext) {
        readingAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: limits.readingAtShutdown) {
            guard self.state.isOver || !context.channel.isWritable else { return self.expectReader(context) }
            context.close(promise: nil)
        }
    }

    private func cancelAlarms() {
        alarm?.cancel()
        readingAlarm?.cancel()
    }

    // One alarm serves many deadlines: it looks when it rings whether its time was moved.

    private func wait(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        let due = context.eventLoop.now + time
        deadline = due
        if let alarmDue, alarmDue <= due { return }
        setAlarm(due, context)
    }

    private func setAlarm(_ due: NIODeadline, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarmDue = due
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.ring(context) }
    }

    private func ring(_ context: ChannelHandlerContext) {
        alarmDue = nil
        guard let deadline, !state.isOver else { return }
        guard context.eventLoop.now >= deadline else { return setAlarm(deadline, context) }
        self.deadline = nil
        perform(state.isArriving ? state.refuse(.timeout) : state.expire(), context)
    }

    // MARK: Ends

    private func perform(_ action: ConnectionState.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .none: break
        case .close: context.close(promise: nil)
        case .refuse(let code): refuse(Problem(code, code.advice), context)
        }
    }

    /// Answers and closes: first the way out, so that a client that is still sending can read the answer. Whoever waits
    /// for the rest of the request is told that there is none, lest a part be taken for the whole.
    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        var head = HTTPResponse(status: problem.code.status, headerFields: problem.fields)
        let body = ByteBuffer(bytes: problem.body)
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.connection] = "close"
        head.headerFields[.cacheControl] = "no-store"
        head.headerFields[.xContentTypeOptions] = "nosniff"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(mode: .output, promise: nil)
        isLingering = true
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(
            in: state.isStopping ? limits.lingerAtShutdown : limits.linger
        ) { context.close(promise: nil) }
        if state.hasPassedHead { context.fireErrorCaught(HTTPParserError.invalidEOFState) }
    }
}

extension HTTPRequest {
    /// Whether the fields can be compared with others in little time. Swift compares texts that are not ASCII by their meaning,
    /// which takes a tenth of a second for a few thousand combining marks; so long ones must be ASCII. The parser sees to the
    /// path.
    fileprivate var isComparable: Bool {
        func isComparable(_ text: String?) -> Bool {
            guard let text = text?.utf8, text.count > 256 else { return true }
            return text.allSatisfy { $0 < 0x80 }
        }
        return isComparable(authority) && headerFields.allSatisfy { isComparable($0.value) }
    }

    /// Whether the client waits to be told to send the body.
    fileprivate var expectsContinue: Bool { headerFields[.expect]?.lowercased() == "100-continue" }

    /// Whether nothing can be asked after it on the same connection: the client says so, or changes protocols, which
    /// the decoder stops for.
    fileprivate var isLast: Bool {
        if method == .connect || headerFields.contains(.upgrade) { return true }
        guard let connection = headerFields[.connection] else { return false }
        return connection.lowercased().split(separator: ",").contains { $0.filter { $0 != " " } == "close" }
    }
}

extension Problem.Code {
    /// What a client may do whose request never reached a route.
    fileprivate var advice: String {
        switch self {
        case .badRequest: "It is not HTTP/1.1, breaks off, or has a long field that is not ASCII."
        case .timeout: "A request must arrive within 10 s."
        case .headTooLarge: "Request line and header fields may have 16384 bytes, and the fields may be 256."
        default: title
        }
    }
}

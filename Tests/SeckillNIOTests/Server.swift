import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import SeckillCore

@testable import SeckillNIO

/// A connection to a server that answers some requests ahead of another, which answers when it is told to.
final class Server {
    let channel: EmbeddedChannel
    let behind = Behind()

    init(
        _ routes: some HotRoutes = Sample(),
        in connections: ServerConnections = ServerConnections(limit: 1000),
        on loop: EmbeddedEventLoop = EmbeddedEventLoop(),
        idleTimeout: TimeAmount? = nil
    ) throws {
        channel = EmbeddedChannel(handlers: [], loop: loop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
        try pipeline.addHandler(behind)
        try pipeline.addHotRoutes(routes, in: connections, idleTimeout: idleTimeout)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// One read of these bytes.
    func hear(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// What has been sent since it was last asked.
    func said() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// The client takes nothing of what it is sent.
    var isJammed = false {
        didSet {
            channel.isWritable = !isJammed
            channel.pipeline.fireChannelWritabilityChanged()
        }
    }

    func run() { channel.embeddedEventLoop.run() }

    /// Lets those have their turn that wait for it.
    func takeTurns() { channel.embeddedEventLoop.advanceTime(by: .milliseconds(1)) }

    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }
}

extension ServerConnections {
    convenience init(limit: Int) {
        self.init(limit: limit, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Who is behind: keeps what it hears, and answers each request with its path.
final class Behind: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private(set) var heads: [HTTPRequestHead] = []
    private(set) var bodies = ""
    private(set) var ends = 0
    private(set) var events: [String] = []
    private(set) var errors = 0
    private var answered = 0
    private var context: ChannelHandlerContext?

    var paths: [String] { heads.map(\.uri) }
    var isAsked: Bool { context != nil && answered < ends }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): heads.append(head)
        case .body(let bytes): bodies += String(buffer: bytes)
        case .end: ends += 1
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { events.append("quiesce") }
        if (event as? ChannelEvent) == .inputClosed { events.append("inputClosed") }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { errors += 1 }

    /// Answers the first request that is not answered.
    func answer(_ status: HTTPResponseStatus = .ok, closing: Bool = false) {
        guard let context else { return }
        let body = ByteBuffer(string: "behind \(heads[answered].uri);")
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        if closing { head.headers.add(name: "Connection", value: "close") }
        answered += 1
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func close(_ mode: CloseMode = .all) { context?.close(mode: mode, promise: nil) }
}

/// `/hot…` at once, `/soon…` by a task that need not wait, `/later…` when its gate opens, all else elsewhere.
struct Sample: HotRoutes {
    let gate = Gate()

    func answer(_ request: HotRequest) -> HotAnswer {
        let path = request.path
        if path.hasPrefix("/hot") { return .now(ByteBuffer(string: "\(path);")) }
        if path.hasPrefix("/soon") { return .later { ByteBuffer(string: "\(path);") } }
        guard path.hasPrefix("/later") else { return .elsewhere }
        return .later { [gate] in
            await gate.pass()
            return ByteBuffer(string: "\(path);")
        }
    }
}

/// Lets those through who wait, one each time.
final class Gate: Sendable {
    private let waiting = Locked<[CheckedContinuation<Void, Never>]>([])

    func pass() async { await withCheckedContinuation { next in waiting.withLock { $0.append(next) } } }

    func open() { waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.resume() }
}

/// A plain request.
func plain(_ method: String = "GET", _ path: String, _ more: String = "", body: String = "") -> String {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    return "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(more)\(length)\r\n\(body)"
}

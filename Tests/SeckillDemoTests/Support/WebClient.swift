import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix

@testable import SeckillDemo

/// One connection to a server on this machine, kept alive: requests on it are answered in turn.
final class WebClient: Sendable {
    private let channel: any Channel
    private let port: Int

    static func connect(to port: Int) async throws -> WebClient {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPClientCodec())
                    try channel.pipeline.syncOperations.addHandler(AnswerCollector())
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        return WebClient(channel, port)
    }

    private init(_ channel: any Channel, _ port: Int) {
        self.channel = channel
        self.port = port
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        _ fields: HTTPFields = [:]
    ) async throws -> Answer {
        var fields = fields
        if let body { fields[.contentLength] = String(body.utf8.count) }
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: "127.0.0.1:\(port)",
            path: path,
            headerFields: fields
        )
        let answer = channel.eventLoop.makePromise(of: Answer.self)
        channel.writeAndFlush(AnswerCollector.Order(head: head, body: body, answer: answer))
            .cascadeFailure(to: answer)
        return try await answer.futureResult.get()
    }

    func close() async { try? await channel.close() }
}

/// Sends requests and puts the parts of each response together.
private final class AnswerCollector: ChannelDuplexHandler {
    typealias InboundIn = HTTPResponsePart
    typealias OutboundIn = Order
    typealias OutboundOut = HTTPRequestPart

    struct Order: Sendable {
        var head: HTTPRequest
        var body: String?
        var answer: EventLoopPromise<Answer>
    }

    private var waiting: [EventLoopPromise<Answer>] = []
    private var answer: Answer?
    private var isClosed = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let order = unwrapOutboundIn(data)
        guard !isClosed else { return order.answer.fail(ChannelError.ioOnClosedChannel) }
        waiting.append(order.answer)
        context.write(wrapOutboundOut(.head(order.head)), promise: nil)
        if let body = order.body { context.write(wrapOutboundOut(.body(ByteBuffer(string: body))), promise: nil) }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer = Answer(status: head.status.code, fields: head.headerFields, body: [])
        case .body(let bytes): answer?.body += bytes.readableBytesView
        case .end:
            guard let answer, !waiting.isEmpty else { return }
            waiting.removeFirst().succeed(answer)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(error) }

    func channelInactive(context: ChannelHandlerContext) { end(ChannelError.eof) }

    private func end(_ error: any Error) {
        isClosed = true
        for promise in waiting { promise.fail(error) }
        waiting = []
    }
}

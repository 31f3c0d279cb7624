internal import NIOCore
internal import NIOHTTP1

/// One call after the other over one connection.
final class Exchange: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Call
    typealias OutboundOut = HTTPClientRequestPart

    private let host: String
    private let timeout: TimeAmount
    private var waiting: EventLoopPromise<Answer>?
    private var deadline: Scheduled<Void>?
    private var answer: Answer?
    private var closesAfter = false

    init(host: String, timeout: Duration) {
        self.host = host
        self.timeout = TimeAmount(timeout)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let call = unwrapOutboundIn(data)
        waiting = call.answer
        var head = HTTPRequestHead(version: .http1_1, method: call.method, uri: call.path)
        head.headers.add(name: "host", value: host)
        for (name, value) in call.headers { head.headers.add(name: name, value: value) }
        let body = call.body.map { context.channel.allocator.buffer(string: $0) }
        if call.method != .GET { head.headers.add(name: "content-length", value: "\(body?.readableBytes ?? 0)") }
        if body != nil { head.headers.add(name: "content-type", value: "application/json") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { self.fail(.timeout, context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status.code >= 200 else { return }
            answer = Answer(
                status: Int(head.status.code),
                cookie: head.headers.first(name: "set-cookie"),
                body: context.channel.allocator.buffer(capacity: 0)
            )
            closesAfter = !head.isKeepAlive
        case .body(var part): answer?.body.writeBuffer(&part)
        case .end:
            guard let answer else { return }
            self.answer = nil
            deadline?.cancel()
            waiting.take()?.succeed(answer)
            if closesAfter { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.broken, context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(.broken, context) }

    private func fail(_ silence: Silence, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        waiting.take()?.fail(silence)
        context.close(promise: nil)
    }
}

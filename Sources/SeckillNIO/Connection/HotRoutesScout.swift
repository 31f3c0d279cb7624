internal import NIOCore
internal import NIOHTTP1

/// Stands behind the HTTP parser and tells the books what it made of the bytes, and when the server behind has answered.
final class HotRoutesScout: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let front: HotRoutesHandler
    /// The last request was a `CONNECT`.
    private var isTunnelAsked = false

    init(_ front: HotRoutesHandler) { self.front = front }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isTunnelAsked = head.method == .CONNECT
            front.connection.requestBegan(isLast: head.isLast)
        case .body: break
        case .end: front.connection.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            front.behindAnswers(isLast: head.headers[canonicalForm: "connection"].contains("close"))
            guard leavesHTTP(head.status) else { break }
            front.leave()
            context.write(data, promise: promise)
            return context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        case .body: break
        case .end:
            context.write(data, promise: promise)
            return front.behindAnswered()
        }
        context.write(data, promise: promise)
    }

    /// Whether something else is spoken from here on.
    private func leavesHTTP(_ status: HTTPResponseStatus) -> Bool {
        status == .switchingProtocols || isTunnelAsked && (200..<300).contains(status.code)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        front.connection.retire()
        context.fireErrorCaught(error)
    }
}

extension HTTPRequestHead {
    /// Whether nothing else is asked on the connection; the parser stops at whatever may leave HTTP.
    fileprivate var isLast: Bool {
        !isKeepAlive || version != .http1_1 || method == .CONNECT || headers.contains(name: "upgrade")
    }
}

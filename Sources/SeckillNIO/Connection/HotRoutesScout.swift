internal import NIOCore
internal import NIOHTTP1

/// Stands behind the HTTP parser and tells the books what it made of the bytes, and when the server behind has answered.
final class HotRoutesScout: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let front: HotRoutesHandler

    init(_ front: HotRoutesHandler) { self.front = front }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            front.connection.requestBegan(isLast: head.isLast)
            if head.mayLeaveHTTP {
                front.leave()
                context.fireChannelRead(data)
                return context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            }
        case .body: break
        case .end: front.connection.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            front.connection.responseBegan(isLast: head.headers[canonicalForm: "connection"].contains("close"))
        case .body: break
        case .end:
            front.connection.responseEnded()
            front.lastActive = context.eventLoop.now
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        front.connection.retire()
        context.fireErrorCaught(error)
    }
}

extension HTTPRequestHead {
    /// Whether nothing else is asked on the connection.
    fileprivate var isLast: Bool { !isKeepAlive || version != .http1_1 }

    /// Whether something else may be spoken on it from here on.
    fileprivate var mayLeaveHTTP: Bool { method == .CONNECT || headers.contains(name: "upgrade") }
}

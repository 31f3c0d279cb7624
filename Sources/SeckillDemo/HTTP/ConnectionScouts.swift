internal import NIOCore
internal import NIOHTTP1

/// Stands in front of the decoder and tells those behind it that bytes came, and when it has made of them what it could.
final class ByteScout: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    struct BytesArrived {}
    struct BytesDecoded { let bytes: ByteBuffer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireUserInboundEventTriggered(BytesArrived())
        context.fireChannelRead(data)
        context.fireUserInboundEventTriggered(BytesDecoded(bytes: unwrapInboundIn(data)))
    }
}

/// Stands where the protocol's version is still known: a client of HTTP/1.0 waits for the end of the connection.
final class VersionScout: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version == .http1_0 else {
            return context.fireChannelRead(data)
        }
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}

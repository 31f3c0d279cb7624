import NIOCore
import NIOHTTP1
import NIOPosix

/// A server that answers what a test says.
final class ScriptedServer: Sendable {
    enum Reaction: Sendable {
        case answer(Int, String)
        /// Nothing, and the connection stays.
        case silence
        case end
    }

    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameter react: called with method and path of each request.
    init(_ react: @escaping @Sendable (String) -> Reaction) async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Script(react))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }

    func close() async { try? await channel.close() }
}

private final class Script: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let react: @Sendable (String) -> ScriptedServer.Reaction
    private var request = ""

    init(_ react: @escaping @Sendable (String) -> ScriptedServer.Reaction) { self.react = react }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = "\(head.method) \(head.uri)"
        case .body: break
        case .end:
            switch react(request) {
            case .answer(let status, let text):
                var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status))
                head.headers.add(name: "Set-Cookie", value: "session=a")
                if status != 204 { head.headers.add(name: "Content-Length", value: "\(text.utf8.count)") }
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .silence: break
            case .end: context.close(promise: nil)
            }
        }
    }
}

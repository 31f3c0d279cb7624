import HTTPTypes
import NIOCore
import NIOPosix
import SeckillCore

/// A connection on which a test says what it likes, and hears everything until the other side ends it.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let end: EventLoopFuture<String>
    private let soFar = Locked("")

    /// - Parameter isDeaf: reads nothing, ever, and has room for little.
    init(to port: Int, isDeaf: Bool = false) async throws {
        let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String.self)
        end = promise.futureResult
        var bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        if isDeaf {
            bootstrap = bootstrap.channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.so_rcvbuf), value: 4096)
        }
        channel =
            try await bootstrap
            .channelInitializer { [soFar] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(promise, soFar))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
    }

    /// One that asks for a sale's events, in nobody's name or with a field that names somebody.
    static func listening(to sale: String, at port: Int, _ buyer: HTTPFields = [:]) async throws -> RawConnection {
        let connection = try await RawConnection(to: port)
        let cookie = buyer[.cookie].map { "Cookie: \($0)\r\n" } ?? ""
        try await connection.send("GET /api/sales/\(sale)/events HTTP/1.1\r\nHost: shop.test\r\n\(cookie)\r\n")
        return connection
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// Says that nothing more will be said.
    func finish() async throws { try await channel.close(mode: .output) }

    func close() async { try? await channel.close() }

    /// All that was sent, once the other side has closed.
    func heardAtTheEnd() async throws -> String { try await end.get() }

    /// What has been sent so far.
    var heard: String { soFar.withLock { $0 } }

    /// What the server says to `text` until it closes.
    static func talk(to port: Int, _ text: String) async throws -> String {
        let connection = try await RawConnection(to: port)
        try await connection.send(text)
        return try await connection.heardAtTheEnd()
    }
}

private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<String>
    private var heard = ByteBuffer()
    private let soFar: Locked<String>

    init(_ promise: EventLoopPromise<String>, _ soFar: Locked<String>) {
        self.promise = promise
        self.soFar = soFar
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        heard.writeBuffer(&bytes)
        soFar.withLock { $0 = String(buffer: heard) }
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(String(buffer: heard)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

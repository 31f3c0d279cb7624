internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One client's connection: kept alive, and made again when it is gone. For one task.
final class Line {
    private let target: Target
    private let timeout: Duration
    private let group: any EventLoopGroup
    private var channel: (any Channel)?

    init(_ target: Target, timeout: Duration, on group: any EventLoopGroup) {
        self.target = target
        self.timeout = timeout
        self.group = group
    }

    /// Cancellation ends the connection.
    /// - Throws: ``Silence``.
    func call(
        _ method: HTTPMethod,
        _ path: String,
        cookie: String? = nil,
        token: String? = nil,
        body: String? = nil
    ) async throws -> Answer {
        let channel = try await connected()
        var call = Call(method: method, path: path, body: body, answer: channel.eventLoop.makePromise())
        if let cookie { call.headers.append(("cookie", cookie)) }
        if let token { call.headers.append(("authorization", "Bearer \(token)")) }
        channel.writeAndFlush(call).cascadeFailure(to: call.answer)
        do {
            return try await withTaskCancellationHandler {
                try await call.answer.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            self.channel = nil
            throw error as? Silence ?? .broken
        }
    }

    func close() { channel?.close(promise: nil) }

    private func connected() async throws -> any Channel {
        if let channel, channel.isActive { return channel }
        let (host, timeout) = (target.host, timeout)
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(TimeAmount(timeout))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Exchange(host: host, timeout: timeout))
                    }
                }
                .connect(host: host, port: target.port).get()
            self.channel = channel
            return channel
        } catch {
            throw Silence.refused
        }
    }
}

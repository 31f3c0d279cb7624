public import NIOCore
internal import NIOHTTP1

extension ChannelPipeline.SynchronousOperations {
    /// Puts `routes` ahead of the server whose HTTP/1.1 handlers are in the pipeline already.
    ///
    /// Requests that are plain, whole, without a body and known to `routes` are answered from here, each in its turn; all
    /// else goes on as it came, and the server behind sees of the connection what it would have seen without. Shutdown
    /// (`ChannelShouldQuiesceEvent`) and a client's last word reach it once the answers that were given here are out; from
    /// then on the connection is its own. A client that does not take them is closed 2 s after the shutdown.
    ///
    /// Whoever stands between the network and these routes sees every byte; whoever stands behind does not see the requests
    /// that are answered here, and must not take the connection for idle meanwhile: `idleTimeout` is for that.
    ///
    /// After 16 requests of one connection it is the turn of others. Requests that a client sends before it has the answer to
    /// the one before wait here, and the server behind works on few of those at once: a client that sends thousands delays
    /// nobody who sends one.
    ///
    /// - Parameters:
    ///   - connections: all connections of this server. The connection is counted as one of them, and may be closed to make
    ///     room for another while it is idle.
    ///   - idleTimeout: closes a connection on which nothing was asked or answered for so long, and nothing is due;
    ///     also one whose client has taken nothing for so long of what it is given, or sent no more of a request. It ends
    ///     with HTTP: a 101, or a `CONNECT` that is accepted.
    /// - Throws: `ChannelPipelineError.notFound` if `HTTPResponseEncoder` or the decoder are missing.
    public func addHotRoutes(
        _ routes: some HotRoutes,
        in connections: ServerConnections,
        idleTimeout: TimeAmount? = nil
    ) throws {
        let encoder = try handler(type: HTTPResponseEncoder.self)
        let decoder = try handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        let front = HotRoutesHandler(routes, in: connections, idleTimeout: idleTimeout)
        try addHandler(front, position: .before(encoder))
        try addHandler(HotRoutesScout(front), position: .after(decoder))
    }
}

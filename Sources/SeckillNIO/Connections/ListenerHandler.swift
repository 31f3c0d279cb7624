internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Stands first in the pipeline of a listening channel: does not accept faster than connections are counted, and keeps
/// the channel listening when the process runs out of descriptors.
///
/// Connections are counted on their own event loops, which may be busy. Those that are accepted and not counted would use
/// up the descriptors; so no more than ``slack`` beyond the limit are accepted.
final class ListenerHandler: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    static let slack = 64
    private static let pause: TimeAmount = .milliseconds(100)

    private let connections: ServerConnections
    /// Accepted and not closed.
    private var open = 0
    private var isReadWanted = false
    /// Accepting has failed a moment ago.
    private var isResting = false

    init(_ connections: ServerConnections) { self.connections = connections }

    private var mayAccept: Bool { !isResting && open < connections.limit + Self.slack }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        open += 1
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        unwrapInboundIn(data).closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (handler, context) = here.value
            handler.open -= 1
            handler.acceptIfWanted(context)
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isReadWanted = true
        acceptIfWanted(context)
    }

    private func acceptIfWanted(_ context: ChannelHandlerContext) {
        guard isReadWanted, mayAccept else { return }
        isReadWanted = false
        context.read()
    }

    /// The client that was to be accepted has gone, or there is no descriptor for it. Neither is a reason to stop listening.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else { return context.fireErrorCaught(error) }
        guard error.isShortage, !isResting else { return }
        connections.acceptFailed(error, on: context.eventLoop)
        isResting = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isResting = false
            self.acceptIfWanted(context)
        }
    }
}

extension IOError {
    /// Whether the process or the system has no descriptor or memory left.
    fileprivate var isShortage: Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errnoCode) }
}

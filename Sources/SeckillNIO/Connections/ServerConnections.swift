internal import CoreMetrics
public import Logging
public import NIOCore
internal import SeckillCore

/// The open connections of one listening socket: counts them, and closes the one that has been idle longest when there
/// are more than ``limit``.
///
/// A connection is idle while it waits for its client: for a request, for the rest of one, or for the client to read what
/// it was sent. While an answer is due it is not idle, so a purchase that has begun is never cut off. If no connection is
/// idle, the new one is closed.
///
/// Connections that have asked for something and those that have not take turns: the larger of the two groups loses its
/// longest idle connection. So clients that only connect cannot push out those that buy, and new buyers find room however
/// many connections are kept open.
///
/// Pass it to `addHotRoutes(_:in:idleTimeout:)` for each connection, and call ``watch(_:)`` for the listening channel.
public final class ServerConnections: Sendable {
    private struct State: Sendable {
        var open = 0
        var shortage: Shortage?
    }

    /// A time during which connections had to be closed for lack of room.
    private struct Shortage: Sendable {
        var evicted = 0
        var refused = 0
        var failedAccepts = 0
        /// Since it was last looked at.
        var isGoingOn = true
    }

    enum ClosingReason: String, CaseIterable {
        /// It was idle longest, and another came.
        case evicted
        /// It came when no other was idle.
        case refused
        /// It was idle for as long as connections may be.
        case idle
    }

    /// How many connections may be open at once.
    public let limit: Int
    private let logger: Logger
    private let state = Locked(State())
    private let loops = Locked<[ObjectIdentifier: NIOLoopBound<LoopConnections>]>([:])
    private let gauge: Gauge
    private let closed: [ClosingReason: Counter]
    private let failedAccepts: Counter

    /// How long nothing must have been closed for lack of room until the shortage is over.
    static let calm: TimeAmount = .seconds(5)

    /// Connections of which at most `limit` are open at once.
    ///
    /// - Parameters:
    ///   - limit: must leave descriptors for everything else that the process opens.
    ///   - listener: a label that tells the metrics of several listening sockets apart: `seckill_connections`,
    ///     `seckill_connections_closed_total{reason}` and `seckill_accept_failures_total`.
    ///   - logger: is told once when connections begin to be closed for lack of room, and once when that is over.
    public init(limit: Int, listener: String = "public", logger: Logger) {
        precondition(limit > 0, "a server without connections")
        self.limit = limit
        var logger = logger
        logger[metadataKey: "seckill.listener"] = "\(listener)"
        self.logger = logger
        let label = ("listener", listener)
        gauge = Gauge(label: "seckill_connections", dimensions: [label])
        gauge.record(0)
        closed = Dictionary(
            uniqueKeysWithValues: ClosingReason.allCases.map {
                ($0, Counter(label: "seckill_connections_closed_total", dimensions: [label, ("reason", $0.rawValue)]))
            }
        )
        failedAccepts = Counter(label: "seckill_accept_failures_total", dimensions: [label])
    }

    /// How many connections are open now.
    public var count: Int { state.withLock { $0.open } }

    /// Accepts connections on `listener` only as fast as they are counted, and goes on accepting after the process ran out
    /// of descriptors.
    ///
    /// Call it from a bootstrap's `serverChannelInitializer`, or for a channel that listens already.
    public func watch(_ listener: any Channel) -> EventLoopFuture<Void> {
        listener.eventLoop.submit {
            try listener.pipeline.syncOperations.addHandler(ListenerHandler(self), position: .first)
        }
    }

    /// Those that live on `loop`, on which this must be called.
    func on(_ loop: any EventLoop) -> LoopConnections {
        loops.withLock { loops in
            if let known = loops[ObjectIdentifier(loop)] { return known }
            let new = NIOLoopBound(LoopConnections(self, loop), eventLoop: loop)
            loops[ObjectIdentifier(loop)] = new
            return new
        }.value
    }

    /// Counts a connection. Whether there are now too many.
    func opened() -> Bool {
        state.withLock { state in
            state.open += 1
            gauge.record(state.open)
            return state.open > limit
        }
    }

    func closedOne() {
        state.withLock { state in
            state.open -= 1
            assert(state.open >= 0, "a connection was closed twice")
            gauge.record(state.open)
        }
    }

    /// Counts a connection that is about to be closed by this server.
    func closing(_ reason: ClosingReason, on loop: any EventLoop) {
        closed[reason]?.increment()
        switch reason {
        case .evicted: note(on: loop) { $0.evicted += 1 }
        case .refused: note(on: loop) { $0.refused += 1 }
        case .idle: break
        }
    }

    /// Makes room after the process ran out of descriptors, by closing an eighth of the connections.
    func acceptFailed(_ error: IOError, on loop: any EventLoop) {
        failedAccepts.increment()
        note(on: loop) { $0.failedAccepts += 1 }
        let open = count
        let goal = open - (open + 7) / 8
        for connections in loops.withLock({ Array($0.values) }) {
            connections.eventLoop.execute {
                while self.count > goal, connections.value.closeLongestIdle(for: nil) {}
            }
        }
    }

    // MARK: Shortage

    private func note(on loop: any EventLoop, _ change: (inout Shortage) -> Void) {
        let hasBegun = state.withLock { state in
            let hasBegun = state.shortage == nil
            var shortage = state.shortage ?? Shortage()
            change(&shortage)
            shortage.isGoingOn = true
            state.shortage = shortage
            return hasBegun
        }
        guard hasBegun else { return }
        logger.warning(
            "too many connections; those that are idle longest are closed",
            metadata: ["seckill.connections": "\(count)", "seckill.limit": "\(limit)"]
        )
        expectCalm(on: loop)
    }

    private func expectCalm(on loop: any EventLoop) {
        loop.scheduleTask(in: Self.calm) {
            let past = self.state.withLock { state -> Shortage? in
                guard let shortage = state.shortage else { return nil }
                state.shortage = shortage.isGoingOn ? shortage : nil
                state.shortage?.isGoingOn = false
                return state.shortage == nil ? shortage : nil
            }
            guard let past else { return self.expectCalm(on: loop) }
            self.logger.notice(
                "no more connections have to be closed for lack of room",
                metadata: [
                    "seckill.connections": "\(self.count)", "seckill.evicted": "\(past.evicted)",
                    "seckill.refused": "\(past.refused)", "seckill.accept-failures": "\(past.failedAccepts)",
                ]
            )
        }
    }
}

internal import Logging
internal import SeckillCore

/// The channels that this node listens to, over one connection with a thread of its own, which begins when somebody first
/// listens.
///
/// Channels are bytes: as texts, two that are written differently may be equal. A channel is subscribed to while it has
/// listeners. After a break, all of them are subscribed to again; what was said
/// in between is lost.
final class Subscriptions: Sendable {
    private struct State: Sendable {
        /// How to wake the thread, once there is one.
        var mailbox: Mailbox?
        /// What the present connection is subscribed to.
        var subscribed: Set<[UInt8]> = []
        /// Channels whose first listener has come, or whose last one has gone.
        var changed: Set<[UInt8]> = []
    }

    /// Names in one command.
    private static let chunk = 500

    private let configuration: RedisConfiguration
    private let logger: Logger
    private let listeners = KeyedBroadcast<[UInt8], [UInt8]>()
    private let state = Locked(State())

    init(_ configuration: RedisConfiguration, _ logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// What `read` makes of the messages of a channel from now on, until the consumer's task ends.
    func subscribe<Element: Sendable>(
        to channel: RedisKey,
        _ read: @escaping @Sendable ([UInt8]) -> [Element]
    ) -> AsyncStream<Element> {
        defer { start() }
        let channel = channel.bytes
        return listeners.subscribe(to: channel, onChange: { [weak self] in self?.note(channel) }, read)
    }

    /// Ends the connection, and with it the thread.
    func close() { state.withLock { $0.mailbox }?.close() }

    private func note(_ channel: [UInt8]) {
        let mailbox = state.withLock { state -> Mailbox? in
            state.changed.insert(channel)
            // With more than one, the thread has been woken already.
            return state.changed.count == 1 ? state.mailbox : nil
        }
        mailbox?.pipe.wake()
    }

    private func start() {
        do {
            let own = try state.withLock { state throws(SeckillError) -> Mailbox? in
                guard state.mailbox == nil else { return nil }
                let new = try Mailbox(limit: 0)
                state.mailbox = new
                return new
            }
            guard let own else { return }
            do {
                try startThread { RedisLoop(self.configuration, .messages(self), own, self.logger).run() }
            } catch {
                // Or the next who listens would take it for running.
                state.withLock { $0.mailbox = nil }
                throw error
            }
        } catch {
            // They are hints: whoever misses them looks at the store.
            logger.warning("signals are off", metadata: ["error": "\(error)"])
        }
    }

    // MARK: The connection's thread

    /// Begins with a new connection, and returns the channel that it is to subscribe to at once, if there is any: whether it
    /// may shows whether it is of use.
    func connecting() -> [UInt8]? {
        let heard = listeners.keys
        return state.withLock { state in
            state.subscribed = Set(heard.prefix(1))
            state.changed.formUnion(heard)
            return heard.first
        }
    }

    /// What must be sent so that the connection is subscribed to what somebody listens to, and to nothing else.
    func commands() -> [RedisCommand] {
        let (wanted, unwanted) = state.withLock { state in
            var (wanted, unwanted): ([[UInt8]], [[UInt8]]) = ([], [])
            for channel in state.changed {
                if listeners.isHeard(channel) {
                    if state.subscribed.insert(channel).inserted { wanted.append(channel) }
                } else if state.subscribed.remove(channel) != nil {
                    unwanted.append(channel)
                }
            }
            state.changed = []
            return (wanted, unwanted)
        }
        return wanted.chunks(of: Self.chunk).map { Self.command("SUBSCRIBE", $0) }
            + unwanted.chunks(of: Self.chunk).map { Self.command("UNSUBSCRIBE", $0) }
    }

    private static func command(_ name: String, _ channels: ArraySlice<[UInt8]>) -> RedisCommand {
        var command = RedisCommand([name])
        for channel in channels { command.append(channel) }
        return command
    }

    /// Tells those who listen to the channel.
    func deliver(_ message: [UInt8], to channel: [UInt8]) { listeners.send(message, to: channel) }
}

/// Hands each message to those in this process who listen to its key. A listener that falls too far behind misses the
/// oldest; none delays the sender or the others.
package final class KeyedBroadcast<Key: Hashable & Sendable, Message: Sendable>: Sendable {
    private struct State: Sendable {
        var next = 0
        var listeners: [Key: [Int: @Sendable (Message) -> Void]] = [:]
    }

    private static var buffer: Int { 1024 }
    private let state = Locked(State())

    package init() {}

    /// The keys that somebody listens to.
    package var keys: [Key] { state.withLock { Array($0.listeners.keys) } }

    /// Whether somebody listens to `key`.
    package func isHeard(_ key: Key) -> Bool { state.withLock { $0.listeners[key] != nil } }

    /// What `read` makes of everything sent to `key` from now on, until the consumer's task ends.
    /// - Parameter onChange: called if this is the first listener of the key, and when the last one has gone. Ask
    ///   ``isHeard(_:)`` which of them it was: the next change may be there already.
    package func subscribe<Element: Sendable>(
        to key: Key,
        onChange: @escaping @Sendable () -> Void = {},
        _ read: @escaping @Sendable (Message) -> [Element]
    ) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self,
            bufferingPolicy: .bufferingNewest(Self.buffer)
        )
        let (id, isFirst) = state.withLock { state in
            state.next += 1
            let isFirst = state.listeners[key] == nil
            state.listeners[key, default: [:]][state.next] = { message in
                for element in read(message) { continuation.yield(element) }
            }
            return (state.next, isFirst)
        }
        continuation.onTermination = { [weak self] _ in if self?.remove(id, from: key) == true { onChange() } }
        if isFirst { onChange() }
        return stream
    }

    /// Tells those who listen to `key`.
    package func send(_ message: Message, to key: Key) {
        for listener in state.withLock({ $0.listeners[key].map { Array($0.values) } ?? [] }) { listener(message) }
    }

    /// Returns whether it was the last one.
    private func remove(_ id: Int, from key: Key) -> Bool {
        state.withLock { state in
            state.listeners[key]?[id] = nil
            guard state.listeners[key]?.isEmpty == true else { return false }
            state.listeners[key] = nil
            return true
        }
    }
}

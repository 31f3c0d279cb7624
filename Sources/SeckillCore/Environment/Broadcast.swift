/// Hands every element to everybody who listens in this process. A listener that falls too far behind misses the
/// oldest; none delays the sender or the others.
package final class Broadcast<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var next = 0
        var listeners: [Int: AsyncStream<Element>.Continuation] = [:]
    }

    private static var buffer: Int { 1024 }
    private let state = Locked(State())

    package init() {}

    /// Everything sent from now on, until the consumer's task ends.
    package func subscribe() -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self,
            bufferingPolicy: .bufferingNewest(Self.buffer)
        )
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [state] _ in state.withLock { $0.listeners[id] = nil } }
        return stream
    }

    package func send(_ elements: [Element]) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners {
            for element in elements { listener.yield(element) }
        }
    }
}

/// Hands every order that changes to everybody who listens on this node.
final class OrderEvents: Sendable {
    private struct State {
        var next = 0
        var listeners: [Int: AsyncStream<Order>.Continuation] = [:]
    }

    private let state = Locked(State())

    func subscribe() -> AsyncStream<Order> {
        let (stream, continuation) = AsyncStream.makeStream(of: Order.self, bufferingPolicy: .bufferingNewest(1024))
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [state] _ in
            _ = state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    func publish(_ orders: [Order]) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners {
            for order in orders { listener.yield(order) }
        }
    }
}

/// What this node makes of orders: for those who listen to this node, and collected for the ``OrderSignals``.
final class OrderNews: Sendable {
    private struct State: Sendable {
        var unsent: [Order] = []
        /// Rings when there is something to send; nil while nobody sends.
        var bell: AsyncStream<Void>.Continuation?
    }

    /// More than this is too late to be news.
    private static let maxUnsent = 8192

    private let all = Broadcast<Order>()
    private let state = Locked(State())

    /// What this node does.
    func subscribe() -> AsyncStream<Order> { all.subscribe() }

    /// This node did something.
    func send(_ orders: [Order]) {
        guard !orders.isEmpty else { return }
        all.send(orders)
        let bell = state.withLock { state in
            if state.bell != nil {
                state.unsent += orders
                state.unsent.removeFirst(max(0, state.unsent.count - Self.maxUnsent))
            }
            return state.bell
        }
        bell?.yield()
    }

    /// Hands on what this node does from now on, everything that came in between at once, until the task is cancelled. For
    /// one caller at a time.
    func forward(_ send: ([Order]) async -> Void) async {
        let (rings, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0 = State(bell: bell) }
        for await _ in rings {
            let orders = state.withLock { state in
                defer { state.unsent = [] }
                return state.unsent
            }
            await send(orders)
        }
        state.withLock { $0 = State() }
    }
}

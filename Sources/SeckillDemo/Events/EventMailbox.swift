internal import NIOCore
internal import SeckillCore

/// What one listener has not been sent yet. Only the latest of each thing is kept, so that a slow reader costs no more
/// memory than a fast one.
final class EventMailbox: Sendable {
    private struct State: Sendable {
        var sale: ByteBuffer?
        var orders: [OrderID: ByteBuffer] = [:]
        var isToBeGreeted = false
        var isClosed = false
        var reader: CheckedContinuation<Void, Never>?

        var isEmpty: Bool { sale == nil && orders.isEmpty && !isToBeGreeted }
    }

    private static let comment = ByteBuffer(string: ":\n\n")
    private let state = Locked(State())

    func put(sale event: ByteBuffer) { update { $0.sale = event } }

    func put(_ event: ByteBuffer, of order: OrderID) { update { $0.orders[order] = event } }

    /// Has a comment sent, so that everybody between here and the reader knows that the stream lives. False if the
    /// reader has not even taken the one before: it is too slow.
    func greet() -> Bool {
        let isKeepingUp = state.withLock { !$0.isToBeGreeted }
        update { $0.isToBeGreeted = true }
        return isKeepingUp
    }

    func close() { update { $0.isClosed = true } }

    /// What has come, as soon as something has; nil when the stream is over. For one reader.
    func next() async -> ByteBuffer? {
        while true {
            let (events, isClosed) = state.withLock { state -> (ByteBuffer?, Bool) in
                guard !state.isClosed else { return (nil, true) }
                guard !state.isEmpty else { return (nil, false) }
                var events = state.isToBeGreeted ? Self.comment : ByteBuffer()
                if let sale = state.sale { events.writeImmutableBuffer(sale) }
                for order in state.orders.values { events.writeImmutableBuffer(order) }
                (state.sale, state.orders, state.isToBeGreeted) = (nil, [:], false)
                return (events, false)
            }
            if let events { return events }
            if isClosed || Task.isCancelled { return nil }
            await arrival()
        }
    }

    private func arrival() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let isThere = state.withLock { state in
                    if !state.isEmpty || state.isClosed || Task.isCancelled { return true }
                    state.reader = reader
                    return false
                }
                if isThere { reader.resume() }
            }
        } onCancel: {
            update { _ in }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let reader = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }
}

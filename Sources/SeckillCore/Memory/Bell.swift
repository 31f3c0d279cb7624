internal import Synchronization

/// Wakes tasks that wait for something to arrive. Ringing costs one atomic load while nobody waits.
package final class Bell: Sendable {
    private struct Waiters: Sendable {
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let waiters = Locked(Waiters())
    private let isAwaited = Atomic(false)

    package init() {}

    /// Wakes all waiting tasks. Call it after the arrival is visible to the waiters' `arrived`.
    package func ring() {
        guard isAwaited.load(ordering: .sequentiallyConsistent) else { return }
        let woken = waiters.withLock { waiters in
            defer { waiters.waiting = [:] }
            isAwaited.store(false, ordering: .sequentiallyConsistent)
            return waiters.waiting
        }
        // In the order in which they came, which a dictionary does not keep.
        for (_, waiter) in woken.sorted(by: { $0.key < $1.key }) { waiter.resume() }
    }

    /// Waits until rung, at most for `limit`; not at all if `arrived` says that it is already there.
    package func wait(upTo limit: Duration, by clock: any SaleClock, until arrived: @Sendable () -> Bool) async throws {
        try await withoutActuallyEscaping(arrived) { arrived in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.wait(until: arrived) }
                group.addTask { try await clock.sleep(for: limit) }
                try await group.next()
                group.cancelAll()
            }
        }
        try Task.checkCancellation()
    }

    private func wait(until arrived: @Sendable () -> Bool) async {
        let id = waiters.withLock { waiters in
            waiters.next += 1
            return waiters.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters.withLock { waiters in
                    waiters.waiting[id] = continuation
                    isAwaited.store(true, ordering: .sequentiallyConsistent)
                }
                // Registered first, looked second: an arrival in between is seen by one or the other.
                if Task.isCancelled || arrived() { stopWaiting(id) }
            }
        } onCancel: {
            stopWaiting(id)
        }
    }

    private func stopWaiting(_ id: Int) {
        waiters.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
    }
}

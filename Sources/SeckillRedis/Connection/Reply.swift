internal import SeckillCore

/// The end of one caller's wait: settled once, by whichever comes first of answer, failure, timeout and cancellation.
/// What comes later is dropped.
typealias Reply = Locked<ReplyState>

struct ReplyState: Sendable {
    fileprivate var expected: Int
    fileprivate var collected: [RedisValue] = []
    fileprivate var isSettled = false
    fileprivate var continuation: UnsafeContinuation<RedisValue, any Error>?

    fileprivate mutating func settle() -> UnsafeContinuation<RedisValue, any Error>? {
        guard !isSettled else { return nil }
        isSettled = true
        collected = []
        return continuation.take()
    }
}

extension Locked where Value == ReplyState {
    /// For one answer; or, for several commands, for the array of their answers.
    convenience init(answers: Int = 1) {
        self.init(ReplyState(expected: answers))
    }

    /// Waits for the answer to what `start` sets going, or for cancellation.
    func wait(_ start: () -> Void) async throws -> RedisValue {
        try await withTaskCancellationHandler {
            try await waitToTheEnd(start)
        } onCancel: {
            fail(CancellationError())
        }
    }

    /// Waits for the answer to what `start` sets going, cancelled or not.
    func waitToTheEnd(_ start: () -> Void) async throws -> RedisValue {
        // Settled exactly once, by the rule of this type; checking that again would cost an allocation a command.
        try await withUnsafeThrowingContinuation { continuation in
            let isCancelled = withLock { state in
                if !state.isSettled { state.continuation = continuation }
                return state.isSettled
            }
            if isCancelled { continuation.resume(throwing: CancellationError()) } else { start() }
        }
    }

    func answer(_ value: RedisValue) {
        let ready = withLock { state -> (UnsafeContinuation<RedisValue, any Error>, RedisValue)? in
            guard state.expected > 1 || !state.collected.isEmpty else {
                return state.settle().map { ($0, value) }
            }
            if state.isSettled { return nil }
            state.collected.append(value)
            guard state.collected.count == state.expected else { return nil }
            let all = state.collected
            return state.settle().map { ($0, .array(all)) }
        }
        ready?.0.resume(returning: ready!.1)
    }

    func fail(_ error: any Error) {
        withLock { $0.settle() }?.resume(throwing: error)
    }
}

internal import GRDB
internal import SeckillCore

/// A read that costs much and that many ask for at once: callers share one, and the others' readers stay free.
///
/// A caller never gets what was read before its call: one that comes while a read is running waits for the next.
final class SharedRead<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var waiting: [CheckedContinuation<Value, any Error>] = []
        var isRunning = false
    }

    private let state = Locked(State())
    private let file: LedgerFile
    private let body: @Sendable (Database) throws -> Value

    init(_ file: LedgerFile, _ body: @escaping @Sendable (Database) throws -> Value) {
        self.file = file
        self.body = body
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let starts = state.withLock { state in
                state.waiting.append(continuation)
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if starts { start() }
        }
    }

    private func start() {
        // Those who wait when the transaction begins: what it sees is not older than their calls.
        let served = Locked<[CheckedContinuation<Value, any Error>]>([])
        file.read { [self] db in
            served.withLock { $0 = takeWaiting() }
            return try body(db)
        } then: { [self] result in
            let callers = served.withLock { $0 }
            // Where no transaction could begin, that is the answer to all.
            for caller in callers.isEmpty ? takeWaiting() : callers { caller.resume(with: result) }
            let goesOn = state.withLock { state in
                state.isRunning = !state.waiting.isEmpty
                return state.isRunning
            }
            if goesOn { start() }
        }
    }

    private func takeWaiting() -> [CheckedContinuation<Value, any Error>] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}

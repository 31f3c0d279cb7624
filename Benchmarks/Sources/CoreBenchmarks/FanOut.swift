import Synchronization

/// Splits `count` operations among `callers` concurrent tasks.
func fanOut(_ count: Int, _ callers: Int, _ body: @escaping @Sendable (Range<Int>) async -> Void) async {
    await withDiscardingTaskGroup { group in
        for caller in 0..<callers {
            let range = (caller * count / callers)..<((caller + 1) * count / callers)
            group.addTask { await body(range) }
        }
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add(_ amount: Int) { count.add(amount, ordering: .relaxed) }
}

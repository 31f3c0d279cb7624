internal import HeapModule

/// Pages in this process: the local level.
public final class MemoryPageCache: NearPageCache {
    private struct Entry: Sendable {
        var page: Page
        var freshUntil: Duration
        var keptUntil: Duration
        /// Distinguishes it from what was kept under the same key before and after.
        var number: Int
    }

    /// The order in which entries make room: those that end first, and of these the ones that were put first.
    private struct End: Comparable, Sendable {
        var keptUntil: Duration
        var number: Int
        var key: TextKey

        static func < (a: End, b: End) -> Bool { (a.keptUntil, a.number) < (b.keptUntil, b.number) }
    }

    private struct State: Sendable {
        var entries: [TextKey: Entry] = [:]
        /// The ends of all entries, and of some that are gone.
        var ends = Heap<End>()
        var number = 0

        mutating func put(_ entry: Entry, for key: TextKey) {
            entries[key] = entry
            ends.insert(End(keptUntil: entry.keptUntil, number: entry.number, key: key))
            // Entries that were replaced leave their ends behind.
            guard ends.count > 2 * entries.count + 64 else { return }
            ends = Heap(entries.map { End(keptUntil: $1.keptUntil, number: $1.number, key: $0) })
        }

        mutating func removeFirstToEnd() {
            while let end = ends.popMin() {
                guard entries[end.key]?.number == end.number else { continue }
                entries[end.key] = nil
                return
            }
        }
    }

    private let clock: any SaleClock
    private let limit: Int
    private let state = Locked(State())

    /// Ends that are remembered, those of entries that are gone included.
    var endCount: Int { state.withLock { $0.ends.count } }

    /// A cache of at most `limit` pages; where there are more, those that end first go first.
    public init(clock: any SaleClock = .system, limit: Int = 1024) {
        self.clock = clock
        self.limit = limit
    }

    /// One look-up.
    public func get(_ key: String) async throws -> CachedPage? { peek(key) }

    /// One look-up.
    public func peek(_ key: String) -> CachedPage? {
        let now = clock.uptime
        return state.withLock { state in
            guard let entry = state.entries[TextKey(key)], now < entry.keptUntil else { return nil }
            return CachedPage(page: entry.page, isStale: now >= entry.freshUntil)
        }
    }

    /// Makes room if need be.
    public func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        put(page, for: key, freshFor: freshFor, staleFor: staleFor) { true }
    }

    /// Keeps the page if `condition`, which is asked when nothing else can come in between, says so.
    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration, if condition: () -> Bool) {
        let now = clock.uptime
        state.withLock { state in
            guard condition() else { return }
            state.number += 1
            let entry = Entry(
                page: page,
                freshUntil: now + freshFor,
                keptUntil: now + freshFor + staleFor,
                number: state.number
            )
            state.put(entry, for: TextKey(key))
            if state.entries.count > limit { state.removeFirstToEnd() }
        }
    }

    /// One look-up.
    public func invalidate(_ key: String) async throws { state.withLock { $0.entries[TextKey(key)] = nil } }
}

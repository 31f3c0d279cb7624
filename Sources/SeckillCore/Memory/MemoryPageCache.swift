/// Pages in this process: the local level.
public final class MemoryPageCache: NearPageCache {
    private struct Entry: Sendable {
        var page: Page
        var freshUntil: Duration
        var keptUntil: Duration
    }

    private let clock: any SaleClock
    private let limit: Int
    private let entries = Locked<[TextKey: Entry]>([:])

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
        return entries.withLock { entries in
            guard let entry = entries[TextKey(key)], now < entry.keptUntil else { return nil }
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
        entries.withLock { entries in
            guard condition() else { return }
            entries[TextKey(key)] = Entry(page: page, freshUntil: now + freshFor, keptUntil: now + freshFor + staleFor)
            if entries.count > limit { entries = entries.filter { $0.value.keptUntil > now } }
            while entries.count > limit, let first = entries.min(by: { $0.value.keptUntil < $1.value.keptUntil }) {
                entries[first.key] = nil
            }
        }
    }

    /// One look-up.
    public func invalidate(_ key: String) async throws { entries.withLock { $0[TextKey(key)] = nil } }
}

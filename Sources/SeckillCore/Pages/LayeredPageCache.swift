internal import Synchronization

/// Pages in this process, over a cache that all nodes share.
///
/// A page that is fresh here costs one look-up; one that is not is looked for in the shared cache, and copied. Where the
/// shared cache fails, this one goes on alone: only ``invalidate(_:)`` tells, for another node may still serve the page.
public final class LayeredPageCache: NearPageCache {
    private let local: MemoryPageCache
    private let shared: any PageCache
    private let copyLifetime: Duration
    /// Counts what has been put and invalidated: a copy that was read before one of these comes too late.
    private let changes = Atomic<Int>(0)

    /// `shared`, behind a `local` cache.
    /// - Parameter copyLifetime: how long a copy is fresh. What another node invalidates may be served that long, unless
    ///   this node is told.
    public init(_ local: MemoryPageCache, over shared: any PageCache, copyLifetime: Duration = .seconds(1)) {
        self.local = local
        self.shared = shared
        self.copyLifetime = copyLifetime
    }

    /// The page as it is here, or there.
    public func get(_ key: String) async throws -> CachedPage? {
        let near = peek(key)
        if let near, !near.isStale { return near }
        let before = changes.load(ordering: .sequentiallyConsistent)
        guard let far = try? await shared.get(key) else { return near }
        guard !far.isStale else { return near ?? far }
        local.put(far.page, for: key, freshFor: copyLifetime, staleFor: .zero) {
            self.changes.load(ordering: .sequentiallyConsistent) == before
        }
        return far
    }

    /// The page as it is here.
    public func peek(_ key: String) -> CachedPage? { local.peek(key) }

    /// Keeps the page there and here.
    public func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        try? await shared.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
        // After the shared cache and before the local one: no copy of what was there before can follow.
        changes.add(1, ordering: .sequentiallyConsistent)
        try await local.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
    }

    /// Forgets the page here, whatever becomes of it there.
    public func invalidate(_ key: String) async throws {
        let failure: (any Error)?
        do {
            try await shared.invalidate(key)
            failure = nil
        } catch {
            failure = error
        }
        changes.add(1, ordering: .sequentiallyConsistent)
        try await local.invalidate(key)
        if let failure { throw failure }
    }
}

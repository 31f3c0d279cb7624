import SeckillCore
import SeckillTesting
import Testing

@Suite("LayeredPageCache") struct LayeredPageCacheConformance {
    let suite = PageCacheConformance { LayeredPageCache(MemoryPageCache(clock: $0), over: MemoryPageCache(clock: $0)) }

    @Test(arguments: PageCacheConformance.checks)
    func conforms(_ check: PageCacheConformance.Check) async throws { try await suite.run(check) }
}

struct LayeredPageCacheTests {
    private let clock = ManualClock()
    private let hour: Duration = .seconds(3600)
    private let old = Page(body: Array("old".utf8), contentType: "text/html", etag: "\"old\"")
    private let new = Page(body: Array("new".utf8), contentType: "text/html", etag: "\"new\"")

    private func node(over shared: any PageCache) -> LayeredPageCache {
        LayeredPageCache(MemoryPageCache(clock: clock), over: shared)
    }

    @Test func whatOneNodeRendersTheOthersServe() async throws {
        let shared = MemoryPageCache(clock: clock)
        let (a, b) = (node(over: shared), node(over: shared))
        try await a.put(old, for: "x", freshFor: hour, staleFor: hour)
        #expect(try await b.get("x")?.page == old)
        // From its own level now.
        try await shared.invalidate("x")
        #expect(try await b.get("x")?.page == old)
        clock.advance(by: .seconds(1))
        #expect(try await b.get("x") == nil)
    }

    @Test func aCopyLivesForASecondUnlessInvalidatedHere() async throws {
        let shared = MemoryPageCache(clock: clock)
        let (a, b) = (node(over: shared), node(over: shared))
        try await a.put(old, for: "x", freshFor: hour, staleFor: hour)
        _ = try await b.get("x")
        try await a.put(new, for: "x", freshFor: hour, staleFor: hour)
        #expect(try await b.get("x")?.page == old)
        try await b.invalidate("x")
        #expect(try await b.get("x") == nil, "invalidated there as well")
        try await a.put(new, for: "x", freshFor: hour, staleFor: hour)
        #expect(try await b.get("x")?.page == new)
    }

    @Test func aSharedCacheThatFailsIsNoReasonNotToServe() async throws {
        let cache = node(over: Failing())
        try await cache.put(old, for: "x", freshFor: hour, staleFor: hour)
        #expect(try await cache.get("x")?.page == old)
        #expect(try await cache.get("y") == nil)
        await #expect(throws: SeckillError.self) { try await cache.invalidate("x") }
        #expect(try await cache.get("x") == nil)
    }

    /// A copy that was read before the page was invalidated must not be put after it.
    @Test func aLateCopyIsDropped() async throws {
        let shared = Late(MemoryPageCache(clock: clock))
        try await shared.put(old, for: "x", freshFor: hour, staleFor: hour)
        let cache = node(over: shared)
        shared.meanwhile { try await cache.invalidate("x") }
        #expect(try await cache.get("x")?.page == old)
        #expect(try await cache.get("x") == nil)

        try await shared.put(old, for: "x", freshFor: hour, staleFor: hour)
        shared.meanwhile { [new, hour] in try await cache.put(new, for: "x", freshFor: hour, staleFor: hour) }
        #expect(try await cache.get("x")?.page == old)
        #expect(try await cache.get("x")?.page == new)
    }
}

private struct Failing: PageCache {
    func get(_ key: String) async throws -> CachedPage? { throw SeckillError(.unavailable, "away") }
    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        throw SeckillError(.unavailable, "away")
    }
    func invalidate(_ key: String) async throws { throw SeckillError(.unavailable, "away") }
}

/// A cache whose next answer is on its way while something else happens.
private final class Late: PageCache {
    private let cache: any PageCache
    private let event = Locked<(@Sendable () async throws -> Void)?>(nil)

    init(_ cache: any PageCache) { self.cache = cache }

    func meanwhile(_ body: @escaping @Sendable () async throws -> Void) { event.withLock { $0 = body } }

    func get(_ key: String) async throws -> CachedPage? {
        let page = try await cache.get(key)
        let due = event.withLock { event in
            defer { event = nil }
            return event
        }
        try await due?()
        return page
    }

    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        try await cache.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
    }
    func invalidate(_ key: String) async throws { try await cache.invalidate(key) }
}

import SeckillTesting
import Testing

@testable import SeckillCore

@Suite("A page cache in memory that is full")
struct MemoryPageCacheTests {
    private func page(_ text: String) -> Page { Page(body: Array(text.utf8), contentType: "text/html", etag: text) }

    @Test("makes room by what ends first, and of these by what was put first")
    func eviction() async throws {
        // A dictionary would choose differently from run to run.
        for _ in 0..<20 {
            let cache = MemoryPageCache(clock: ManualClock(), limit: 3)
            for key in ["a", "b", "c"] {
                try await cache.put(page(key), for: key, freshFor: .seconds(10), staleFor: .zero)
            }
            try await cache.put(page("d"), for: "d", freshFor: .seconds(10), staleFor: .zero)
            #expect(cache.peek("a") == nil)
            // Put again, it ends later; so the next to go is another.
            try await cache.put(page("b"), for: "b", freshFor: .seconds(20), staleFor: .zero)
            try await cache.put(page("e"), for: "e", freshFor: .seconds(20), staleFor: .zero)
            #expect(cache.peek("c") == nil)
            for key in ["b", "d", "e"] { #expect(cache.peek(key) != nil) }
        }
    }

    @Test("remembers no more than it holds, however often a page is put")
    func replacing() async throws {
        let cache = MemoryPageCache(clock: ManualClock(), limit: 2)
        for _ in 0..<10_000 {
            try await cache.put(page("a"), for: "a", freshFor: .seconds(10), staleFor: .zero)
        }
        #expect(cache.endCount < 100)
        #expect(cache.peek("a") != nil)
    }
}

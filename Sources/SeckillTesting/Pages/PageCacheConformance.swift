public import SeckillCore

/// The contract of ``SeckillCore/PageCache`` as code.
///
/// A cache may forget at any time, so a page of these checks that is missing is no proof of a fault in general; but a
/// fresh cache that cannot hold a few small pages for a few moments is of no use, and fails.
public struct PageCacheConformance: ConformanceSuite {
    private let fresh: Fresh<any PageCache>

    /// A suite for caches that go by the clock they are given.
    /// - Parameter make: makes an empty cache, a new one each time.
    public init(_ make: @escaping @Sendable (ManualClock) async throws -> any PageCache) { fresh = Fresh(make) }

    /// A suite for caches whose clock is elsewhere, such as in a server: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: runs as fast as the caches' clock.
    ///   - make: makes an empty cache, a new one each time.
    public init(clock: any SaleClock, _ make: @escaping @Sendable () async throws -> any PageCache) {
        fresh = Fresh(clock: clock, make)
    }

    private static func rule(
        _ rule: String,
        _ body: @escaping @Sendable (any PageCache, TestTime) async throws -> Void
    ) -> Check {
        Check(rule) { suite in
            let (cache, time) = try await suite.fresh.make()
            try await body(cache, time)
        }
    }

    private static let hour: Duration = .seconds(3600)
    private static let short = TestTime.short

    private static func page(_ text: String) -> Page {
        Page(body: Array("<p>\(text)</p>".utf8), contentType: "text/html; charset=utf-8", etag: "\"\(text)\"")
    }

    /// Every rule of a page cache.
    public static let checks: [Check] = [
        rule("a page comes back as it was put, to the byte") { cache, _ in
            try expect(try await cache.get("a"), equals: nil, "in an empty cache")
            let pages = [
                page("a"), Page(body: [], contentType: "text/plain", etag: "\"\""),
                Page(body: Array(0...255), contentType: "application/octet-stream", etag: "\"0-\u{E9}\u{1F6D2}\""),
                Page(body: Array(repeating: 13, count: 100_000), contentType: "a/b; c=\"d:\r\"", etag: "\"$5\""),
            ]
            for (index, page) in pages.enumerated() {
                try await cache.put(page, for: "page-\(index)", freshFor: hour, staleFor: hour)
            }
            for (index, page) in pages.enumerated() {
                let found = try await cache.get("page-\(index)")
                try expect(found == CachedPage(page: page, isStale: false), "page \(index) is not as it was put")
            }
        },
        rule("a page is fresh, then stale, then gone") { cache, time in
            let start = time.clock.uptime
            try await cache.put(page("a"), for: "a", freshFor: short, staleFor: short * 2)
            let first = try await cache.get("a")
            let isFresh = first == CachedPage(page: page("a"), isStale: false)
            try expect(isFresh || time.since(start) >= short, "at first: \(String(describing: first))")
            if let clock = time.manual {
                clock.advance(by: short - .milliseconds(1))
                try expect(try await cache.get("a")?.isStale, equals: false, "1 ms before it is stale")
                clock.advance(by: .milliseconds(1))
                try expect(try await cache.get("a"), equals: CachedPage(page: page("a"), isStale: true), "when stale")
                clock.advance(by: short * 2 - .milliseconds(1))
                try expect(try await cache.get("a")?.isStale, equals: true, "1 ms before it is gone")
                clock.advance(by: .milliseconds(1))
            } else {
                try await time.pass(short)
                let later = try await cache.get("a")
                try expect(later?.isStale ?? (time.since(start) >= short * 3), "stale: \(String(describing: later))")
                try await time.pass(short * 2)
            }
            try expect(try await cache.get("a"), equals: nil, "in the end")
        },
        rule("a page put again replaces the old one, and its times begin anew") { cache, time in
            try await cache.put(page("old"), for: "a", freshFor: short, staleFor: hour)
            try await time.pass(short)
            try expect(try await cache.get("a")?.isStale, equals: true, "the old one")
            try await cache.put(page("new"), for: "a", freshFor: hour, staleFor: hour)
            try expect(try await cache.get("a"), equals: CachedPage(page: page("new"), isStale: false), "the new one")
            try await cache.put(page("brief"), for: "a", freshFor: short / 2, staleFor: short / 2)
            try await time.pass(short)
            try expect(try await cache.get("a"), equals: nil, "after one with a shorter life")
        },
        rule("without a fresh time a page is stale at once, without a stale time gone when no longer fresh") {
            cache,
            time in
            try await cache.put(page("a"), for: "a", freshFor: .zero, staleFor: hour)
            try expect(try await cache.get("a"), equals: CachedPage(page: page("a"), isStale: true), "never fresh")
            try await cache.put(page("b"), for: "b", freshFor: short, staleFor: .zero)
            try await time.pass(short)
            try expect(try await cache.get("b"), equals: nil, "never stale")
        },
        rule("an invalidated page is gone at once, and can be put again") { cache, _ in
            try await cache.invalidate("a")
            for text in ["first", "second"] {
                try await cache.put(page(text), for: "a", freshFor: hour, staleFor: hour)
                try expect(try await cache.get("a")?.page, equals: page(text), "put")
                for _ in 1...2 { try await cache.invalidate("a") }
                try expect(try await cache.get("a"), equals: nil, "invalidated")
            }
        },
        rule("keys do not share, and are told apart by bytes") { cache, _ in
            for user in UserID.odd {
                try await cache.put(page(user.text), for: user.text, freshFor: hour, staleFor: hour)
            }
            try await cache.invalidate("alice")
            for user in UserID.odd {
                let body = try await cache.get(user.text)?.page.body
                try expect(body == page(user.text).body, "the page of '\(user)' is missing or another's")
            }
        },
        rule("of pages put at once one is found, whole") { cache, _ in
            let pages = (0..<50).map { index in
                Page(
                    body: Array(repeating: UInt8(index), count: 20_000),
                    contentType: "a/\(index)",
                    etag: "\"\(index)\""
                )
            }
            _ = try await together(100) { index in
                if index < 50 {
                    try await cache.put(pages[index], for: "a", freshFor: hour, staleFor: hour)
                } else if let found = try await cache.get("a") {
                    try expect(pages.contains(found.page), "parts of two pages")
                }
            }
            let last = try await cache.get("a")
            try expect(last.map { pages.contains($0.page) } ?? false, "none, or parts of two pages")
        },
        rule("what was put before an invalidation does not come back after it") { cache, _ in
            for round in 0..<50 {
                try await cache.put(page("\(round)"), for: "a", freshFor: hour, staleFor: hour)
                let found = try await together(8) { index -> CachedPage? in
                    if index == 4 { try await cache.invalidate("a") }
                    return try await cache.get("a")
                }
                try expect(found[4], equals: nil, "seen by the one who invalidated it")
                try expect(try await cache.get("a"), equals: nil, "afterwards")
            }
        },
    ]
}

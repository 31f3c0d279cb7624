/// Rendered pages that hold nothing of any user.
///
/// A cache: it may forget at any time, and a failure is never a reason not to serve. **Errors**: `unavailable`.
public protocol PageCache: Sendable {
    /// The page, fresh or stale, if it is there.
    func get(_ key: String) async throws -> CachedPage?

    /// Keeps `page` as fresh for `freshFor` and as stale for `staleFor` after that.
    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws

    /// Forgets the page, before it returns, for every later ``get(_:)`` of this cache.
    func invalidate(_ key: String) async throws
}

/// A page cache with a level in this process that can be looked into without waiting.
public protocol NearPageCache: PageCache {
    /// The page if it is here, fresh or stale. Nil says nothing: ``PageCache/get(_:)`` may still find it.
    func peek(_ key: String) -> CachedPage?
}

/// A rendered page.
public struct Page: Hashable, Sendable {
    /// The bytes to send.
    public var body: [UInt8]
    /// Its media type.
    public var contentType: String
    /// A strong validator, quotes included.
    public var etag: String

    /// A page.
    public init(body: [UInt8], contentType: String, etag: String) {
        self.body = body
        self.contentType = contentType
        self.etag = etag
    }
}

/// A page out of the cache.
public struct CachedPage: Hashable, Sendable {
    /// The page.
    public var page: Page
    /// Whether it should be rendered anew: serve it, and let one caller renew it.
    public var isStale: Bool

    /// A page out of the cache.
    public init(page: Page, isStale: Bool) {
        self.page = page
        self.isStale = isStale
    }
}

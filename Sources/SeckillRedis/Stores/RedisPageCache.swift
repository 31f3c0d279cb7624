public import SeckillCore

/// Rendered pages in Redis, shared by all nodes. Cost: one script a call.
public struct RedisPageCache: PageCache {
    private let redis: RedisConnection
    private let keys: RedisKeys

    /// The pages of a shop.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(_ redis: RedisConnection, namespace: String) {
        self.redis = redis
        keys = redis.keys(of: namespace)
    }

    /// The page, fresh or stale, if it is there.
    public func get(_ key: String) async throws -> CachedPage? {
        let answer = try await redis.ask(RedisScript.getPage.call([keys.page(key)]))
        guard let parts = answer.array, parts.count == 4, case .bytes(let body) = parts[0],
            let contentType = parts[1].text, let etag = parts[2].text
        else { return nil }
        let page = Page(body: body, contentType: contentType, etag: etag)
        return CachedPage(page: page, isStale: parts[3] != .integer(0))
    }

    /// Keeps a page.
    public func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        var command = RedisScript.putPage.call([keys.page(key)])
        command.append(page.body)
        command.append(page.contentType)
        command.append(page.etag)
        command.append(freshFor.asLifetime)
        command.append(staleFor.asLifetime)
        _ = try await redis.ask(command)
    }

    /// Forgets a page.
    public func invalidate(_ key: String) async throws {
        _ = try await redis.ask(RedisCommand("UNLINK", keys.page(key)))
    }
}

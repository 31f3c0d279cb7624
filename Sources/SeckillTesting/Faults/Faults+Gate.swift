public import SeckillCore

extension Faults {
    /// The store, with these faults in every call.
    public func wrap(_ base: some SessionStore) -> any SessionStore { FaultySessionStore(base: base, faults: self) }

    /// The limiter, with these faults in every call.
    public func wrap(_ base: some RateLimiter) -> any RateLimiter { FaultyRateLimiter(base: base, faults: self) }

    /// The cache, with these faults in every call.
    public func wrap(_ base: some PageCache) -> any PageCache { FaultyPageCache(base: base, faults: self) }

    /// The challenge, with these faults in every call.
    public func wrap(_ base: some Challenge) -> any Challenge { FaultyChallenge(base: base, faults: self) }
}

private struct FaultySessionStore: SessionStore {
    let base: any SessionStore
    let faults: Faults

    func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        try await faults.around("create") { try await base.create(for: user, lifetime: lifetime) }
    }

    func look(up token: SessionToken) async throws -> Session? {
        try await faults.around("look") { try await base.look(up: token) }
    }

    func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        try await faults.around("refresh") { try await base.refresh(token, lifetime: lifetime) }
    }

    func revoke(_ token: SessionToken) async throws {
        try await faults.around("revoke") { try await base.revoke(token) }
    }

    func occupancy() async throws -> Occupancy {
        try await faults.around("occupancy") { try await base.occupancy() }
    }
}

private struct FaultyRateLimiter: RateLimiter {
    let base: any RateLimiter
    let faults: Faults

    func admit(_ key: String) async throws -> RateDecision {
        try await faults.around("admit") { try await base.admit(key) }
    }
}

private struct FaultyPageCache: PageCache {
    let base: any PageCache
    let faults: Faults

    func get(_ key: String) async throws -> CachedPage? {
        try await faults.around("get") { try await base.get(key) }
    }

    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        try await faults.around("put") {
            try await base.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
        }
    }

    func invalidate(_ key: String) async throws {
        try await faults.around("invalidate") { try await base.invalidate(key) }
    }
}

private struct FaultyChallenge: Challenge {
    let base: any Challenge
    let faults: Faults

    var kind: String { base.kind }

    func issue(to session: SessionToken) async throws -> ChallengePrompt {
        try await faults.around("issue") { try await base.issue(to: session) }
    }

    func verify(_ answer: String, to id: String, from session: SessionToken) async throws -> Bool {
        try await faults.around("verify") { try await base.verify(answer, to: id, from: session) }
    }
}

/// Pages out of a cache, rendered by one caller at a time where they are not there.
///
/// While a page is rendered, those who have a stale one get it at once, and those who have none wait for the one that is
/// coming: a thousand requests for a cold page render it once. Nodes do not wait for each other; behind a cache that they
/// share, each renders a page once at most.
public final class PageRenderer: Sendable {
    private let cache: any PageCache
    private let near: (any NearPageCache)?
    private let freshFor: Duration
    private let staleFor: Duration
    private let flights = Locked<[TextKey: Flight]>([:])

    /// Pages that are fresh for `freshFor` once rendered, and may be served stale for `staleFor` after that.
    public init(_ cache: any PageCache, freshFor: Duration = .seconds(1), staleFor: Duration = .seconds(10)) {
        self.cache = cache
        near = cache as? any NearPageCache
        self.freshFor = freshFor
        self.staleFor = staleFor
    }

    /// The page, cached or rendered. A failure to render is everybody's who waits for it, unless there is a stale page;
    /// a caller who is cancelled leaves the rendering to the next.
    public func page(_ key: String, render: @Sendable () async throws -> Page) async throws -> Page {
        while true {
            try Task.checkCancellation()
            // Here first, without waiting: however slow a shared level is, one waits for it.
            let here = near?.peek(key)
            if let here, !here.isStale { return here.page }
            let (flight, isOurs) = board(key)
            if isOurs { return try await fly(flight, key, render) }
            if let here { return here.page }
            switch await flight.landing() {
            case .landed(let page): return page
            case .failed(let error): throw error
            case .turnedBack: continue
            }
        }
    }

    /// The page, if the cache is a ``NearPageCache`` that has it at hand and fresh: what ``page(_:render:)`` would return
    /// at once.
    public func peek(_ key: String) -> Page? {
        guard let here = near?.peek(key), !here.isStale else { return nil }
        return here.page
    }

    /// Forgets the page: whoever asks from now on gets one rendered from now on.
    public func drop(_ key: String) async {
        flights.withLock { $0[TextKey(key)] = nil }
        // If the shared level does not answer, the page's short life has to do.
        try? await cache.invalidate(key)
    }

    private func board(_ key: String) -> (Flight, isOurs: Bool) {
        flights.withLock { flights in
            if let flight = flights[TextKey(key)] { return (flight, false) }
            let flight = Flight()
            flights[TextKey(key)] = flight
            return (flight, true)
        }
    }

    private func fly(_ flight: Flight, _ key: String, _ render: () async throws -> Page) async throws -> Page {
        do {
            // Another flight may have landed since the cache was looked into, or another node's.
            let cached = try? await cache.get(key)
            let page: Page
            if let cached, !cached.isStale {
                page = cached.page
            } else {
                if let cached { flight.land(.landed(cached.page)) }
                do {
                    page = try await render()
                } catch {
                    guard let cached, !(error is CancellationError) else { throw error }
                    end(flight, key, .landed(cached.page))
                    return cached.page
                }
                if isUnderWay(flight, key) {
                    try? await cache.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
                    // Dropped while it was put: what was put is what was dropped.
                    if !isUnderWay(flight, key) { try? await cache.invalidate(key) }
                }
            }
            end(flight, key, .landed(page))
            return page
        } catch {
            end(flight, key, error is CancellationError ? .turnedBack : .failed(error))
            throw error
        }
    }

    private func isUnderWay(_ flight: Flight, _ key: String) -> Bool {
        flights.withLock { $0[TextKey(key)] === flight }
    }

    private func end(_ flight: Flight, _ key: String, _ outcome: Flight.Outcome) {
        flights.withLock { flights in
            if flights[TextKey(key)] === flight { flights[TextKey(key)] = nil }
        }
        flight.land(outcome)
    }
}

/// One rendering, and those who wait for it.
private final class Flight: Sendable {
    enum Outcome: Sendable {
        case landed(Page)
        case failed(any Error)
        /// Nobody knows: ask again.
        case turnedBack
    }

    private struct State: Sendable {
        var next = 0
        var waiting: [Int: CheckedContinuation<Outcome, Never>] = [:]
        var outcome: Outcome?
    }

    private let state = Locked(State())

    func land(_ outcome: Outcome) {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            state.outcome = outcome
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: outcome) }
    }

    /// Waits until it has landed, or the waiting task is cancelled.
    func landing() async -> Outcome {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Outcome? in
                    if let outcome = state.outcome { return outcome }
                    if Task.isCancelled { return .turnedBack }
                    state.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: .turnedBack)
        }
    }
}

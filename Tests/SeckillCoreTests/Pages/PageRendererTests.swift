import SeckillCore
import SeckillTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct PageRendererTests {
    private let clock = ManualClock()
    private let cache: MemoryPageCache
    private let renderer: PageRenderer
    private let printer = Printer()

    init() {
        cache = MemoryPageCache(clock: clock)
        renderer = PageRenderer(cache, freshFor: .seconds(1), staleFor: .seconds(10))
    }

    @Test func aThousandRequestsForAColdPageRenderItOnce() async throws {
        printer.pause()
        let arrived = Locked(0)
        async let pages = (0..<1000).together { _ in
            arrived.withLock { $0 += 1 }
            return try await renderer.page("x", render: printer.render)
        }
        // All have come, and the first is still rendering.
        while arrived.withLock({ $0 }) < 1000 { await Task.yield() }
        await printer.isAsked(times: 1)
        printer.resume()
        #expect(Set(try await pages.map(\.etag)) == ["\"1\""])
        #expect(printer.count == 1)
        #expect(try await renderer.page("x", render: printer.render).etag == "\"1\"")
        #expect(printer.count == 1)
    }

    @Test func pagesDoNotWaitForEachOther() async throws {
        printer.pause()
        let cold = Task { try await renderer.page("x", render: printer.render) }
        await printer.isAsked(times: 1)
        let other = try await renderer.page("y") { Page(body: [], contentType: "a/b", etag: "\"y\"") }
        #expect(other.etag == "\"y\"")
        printer.resume()
        _ = try await cold.value
    }

    @Test func staleIsServedWhileOneRenews() async throws {
        _ = try await renderer.page("x", render: printer.render)
        clock.advance(by: .seconds(1))
        printer.pause()
        let renewing = Task { try await renderer.page("x", render: printer.render) }
        await printer.isAsked(times: 2)
        for _ in 0..<100 { #expect(try await renderer.page("x", render: printer.render).etag == "\"1\"") }
        #expect(printer.count == 2)
        printer.resume()
        #expect(try await renewing.value.etag == "\"2\"")
        #expect(try await renderer.page("x", render: printer.render).etag == "\"2\"")
    }

    /// The shared level hangs: one waits for it, and the others have what is here.
    @Test func aStalePageHereIsServedWhileTheSharedLevelIsSlow() async throws {
        let shared = Slow(MemoryPageCache(clock: clock))
        let layered = LayeredPageCache(MemoryPageCache(clock: clock), over: shared)
        let renderer = PageRenderer(layered, freshFor: .seconds(1), staleFor: .seconds(10))
        _ = try await renderer.page("x", render: printer.render)
        clock.advance(by: .seconds(1))
        shared.pause()
        let renewing = Task { try await renderer.page("x", render: printer.render) }
        await shared.isAsked(times: 2)
        for _ in 0..<100 { #expect(try await renderer.page("x", render: printer.render).etag == "\"1\"") }
        shared.resume()
        #expect(try await renewing.value.etag == "\"2\"")
    }

    @Test func whatIsDroppedWhileItIsRenderedIsNotKept() async throws {
        printer.pause()
        let before = Task { try await renderer.page("x", render: printer.render) }
        await printer.isAsked(times: 1)
        await renderer.drop("x")
        let after = Task { try await renderer.page("x", render: printer.render) }
        await printer.isAsked(times: 2)
        printer.resume()
        #expect(try await before.value.etag != after.value.etag)
        #expect(try await renderer.page("x", render: printer.render) == after.value)
        #expect(printer.count == 2)
    }

    @Test func aPageThatIsDroppedWhenItIsThereIsRenderedAnew() async throws {
        _ = try await renderer.page("x", render: printer.render)
        await renderer.drop("x")
        #expect(try await renderer.page("x", render: printer.render).etag == "\"2\"")
    }

    @Test func aFailureIsTheWaitersToo() async throws {
        printer.pause()
        let waiting = (0..<10).map { _ in
            Task {
                try await renderer.page("x") {
                    _ = try await printer.render(); throw Jam()
                }
            }
        }
        await printer.isAsked(times: 1)
        printer.resume()
        for task in waiting { await #expect(throws: Jam.self) { try await task.value } }
        #expect(try await renderer.page("x", render: printer.render).contentType == "a/b")
    }

    @Test func aStalePageOutlivesAFailure() async throws {
        _ = try await renderer.page("x", render: printer.render)
        clock.advance(by: .seconds(1))
        #expect(try await renderer.page("x") { throw Jam() }.etag == "\"1\"")
        clock.advance(by: .seconds(10))
        await #expect(throws: Jam.self) { try await renderer.page("x") { throw Jam() } }
    }

    @Test func whoeverIsCancelledLeavesItToTheNext() async throws {
        printer.pause()
        let first = Task { try await renderer.page("x", render: printer.render) }
        await printer.isAsked(times: 1)
        let second = Task { try await renderer.page("x", render: printer.render) }
        let third = Task { try await renderer.page("x", render: printer.render) }
        third.cancel()
        await #expect(throws: CancellationError.self) { try await third.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        await printer.isAsked(times: 2)
        printer.resume()
        #expect(try await second.value.etag == "\"2\"")
    }
}

private struct Jam: Error {}

/// A cache that can be made to wait before it answers.
private final class Slow: PageCache {
    private let cache: MemoryPageCache
    private let state = Locked((asked: 0, isPaused: false))

    init(_ cache: MemoryPageCache) { self.cache = cache }

    func pause() { state.withLock { $0.isPaused = true } }
    func resume() { state.withLock { $0.isPaused = false } }
    func isAsked(times: Int) async {
        while state.withLock({ $0.asked }) < times { await Task.yield() }
    }

    func get(_ key: String) async throws -> CachedPage? {
        state.withLock { $0.asked += 1 }
        while state.withLock({ $0.isPaused }) { await Task.yield() }
        return try await cache.get(key)
    }
    func put(_ page: Page, for key: String, freshFor: Duration, staleFor: Duration) async throws {
        try await cache.put(page, for: key, freshFor: freshFor, staleFor: staleFor)
    }
    func invalidate(_ key: String) async throws { try await cache.invalidate(key) }
}

/// Renders pages that are numbered, and can be made to wait.
private final class Printer: Sendable {
    private struct State: Sendable {
        var count = 0
        var isPaused = false
    }

    private let state = Locked(State())

    var count: Int { state.withLock { $0.count } }
    func pause() { state.withLock { $0.isPaused = true } }
    func resume() { state.withLock { $0.isPaused = false } }

    @Sendable func render() async throws -> Page {
        let number = state.withLock { state in
            state.count += 1
            return state.count
        }
        while state.withLock({ $0.isPaused }) {
            try Task.checkCancellation()
            await Task.yield()
        }
        return Page(body: Array("\(number)".utf8), contentType: "a/b", etag: "\"\(number)\"")
    }

    func isAsked(times: Int) async {
        while count < times { await Task.yield() }
    }
}

extension Range<Int> {
    fileprivate func together<Result: Sendable>(
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            for index in self { group.addTask { try await body(index) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite struct FaultsTests {
    let clock = ManualClock()
    let faults: Faults
    let limiter: any RateLimiter

    init() throws {
        faults = Faults(clock: clock)
        limiter = faults.wrap(MemoryRateLimiter(try #require(Rate(3, per: .seconds(60))), clock: clock))
    }

    /// How many of three requests are left.
    private func room() async throws -> Int {
        faults.heal()
        var room = 0
        while try await limiter.admit("a") == .admitted { room += 1 }
        return room
    }

    private func expectError(_ code: SeckillError.Code) async throws {
        let error = await #expect(throws: SeckillError.self) { try await limiter.admit("a") }
        #expect(error?.code == code)
    }

    @Test func failingBeforeDoesNothing() async throws {
        faults.inject(.failBefore, into: "admit", calls: 1...1)
        try await expectError(.unavailable)
        #expect(try await room() == 3)
    }

    @Test func failingAfterDoesItAndDoesNotTell() async throws {
        faults.inject(.failAfter, into: "admit", calls: 1...1)
        try await expectError(.outcomeUnknown)
        #expect(try await room() == 2)
    }

    @Test func aDelayPassesByTheClockFirst() async throws {
        faults.inject(.delay(.seconds(5)), into: "admit", calls: 1...1)
        let slow = Task { [limiter] in try await limiter.admit("a") }
        try await clock.waitForSleepers()
        for _ in 1...3 { #expect(try await limiter.admit("a") == .admitted) }
        clock.advance(by: .seconds(5))
        #expect(try await slow.value == .refused(retryAfter: .seconds(55)))
    }

    @Test func aRepeatHappensTwiceAndAnswersOnce() async throws {
        faults.inject(.repeat, into: "admit", calls: 2...2)
        #expect(try await limiter.admit("a") == .admitted)
        #expect(try await limiter.admit("a") == .admitted)
        #expect(try await room() == 0)
    }

    @Test func callsAreCountedByNameFromTheInjectionOn() async throws {
        _ = try await limiter.admit("b")
        faults.inject(.failBefore, into: "reserve", calls: 1...9)
        faults.inject(.failBefore, into: "admit", calls: 2...3)
        _ = try await limiter.admit("b")
        try await expectError(.unavailable)
        try await expectError(.unavailable)
        #expect(try await limiter.admit("a") == .admitted)
        #expect(faults.count(of: "admit") == 2)
        #expect(faults.count(of: "reserve") == 0)
    }

    @Test func theFirstInjectedSurroundsTheOthers() async throws {
        faults.inject(.failAfter, into: "admit", calls: 1...1)
        faults.inject(.repeat, into: "admit", calls: 1...1)
        try await expectError(.outcomeUnknown)
        #expect(try await room() == 1)
    }

    @Test func aProbabilityFollowsItsSeed() async throws {
        func struck(seed: UInt64, _ probability: Double) async throws -> [Int] {
            let faults = Faults(clock: clock, random: SeededRandom(seed))
            faults.inject(.failBefore, probability: probability)
            var struck: [Int] = []
            for call in 0..<1000 {
                do { try await faults.around("any") {} } catch { struck.append(call) }
            }
            return struck
        }
        #expect(try await struck(seed: 1, 0.1) == struck(seed: 1, 0.1))
        #expect(try await struck(seed: 1, 0.1) != struck(seed: 2, 0.1))
        #expect(try await (60...140).contains(struck(seed: 1, 0.1).count))
        #expect(try await struck(seed: 1, 0).isEmpty)
        #expect(try await struck(seed: 1, 1).count == 1000)
    }
}

/// Wrapped, without harm, a backend keeps its contract; and no method slips past the script.
@Suite struct FaultyBackendsTests {
    let faults = Faults(clock: ManualClock())

    init() { faults.inject(.delay(.zero), probability: 1) }

    private func expectStruck(_ calls: String...) {
        for call in calls { #expect(faults.count(of: call) > 0, "\(call) is not wrapped") }
    }

    @Test func stock() async throws {
        try await StockStoreConformance { [faults] in faults.wrap(MemoryStockStore(clock: $0)) }.run()
        try await OutboxConformance { [faults] in faults.wrap(MemoryStockStore(clock: $0)) }.run()
        expectStruck("identity", "reserve", "giveBack", "reservation", "snapshots", "update", "claim", "install")
        expectStruck("abandon", "distrust", "receive", "acknowledge", "takeOver", "deadLetter", "depth")
    }

    @Test func queue() async throws {
        try await OrderQueueConformance { [faults] in faults.wrap(MemoryOrderQueue(clock: $0)) }.run()
        expectStruck("append", "receive", "acknowledge", "takeOver", "deadLetter", "depth")
    }

    @Test func ledger() async throws {
        try await OrderLedgerConformance { [faults] in faults.wrap(MemoryOrderLedger()) }.run()
        expectStruck("create", "sale", "sales", "setAdmission", "restock", "record", "reject", "pay", "cancel")
        expectStruck("expire", "lookUp", "orders", "pendingReturns", "markReturnsApplied", "beginEpoch")
    }

    @Test func gate() async throws {
        try await SessionStoreConformance { [faults] in faults.wrap(MemorySessionStore(clock: $0)) }.run()
        expectStruck("create", "look", "refresh", "revoke")
        try await RateLimiterConformance { [faults] in faults.wrap(MemoryRateLimiter($0, clock: $1)) }.run()
        expectStruck("admit")
        try await PageCacheConformance { [faults] in faults.wrap(MemoryPageCache(clock: $0)) }.run()
        expectStruck("get", "put", "invalidate")
        let book = AnswerBook()
        try await ChallengeConformance(lifetime: .seconds(120), solve: book.solve) { [faults] in
            faults.wrap(MemoryChallenge(book, clock: $0))
        }.run()
        expectStruck("issue", "verify")
    }
}

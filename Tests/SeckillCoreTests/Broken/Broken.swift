import SeckillCore
import SeckillTesting
import Testing

/// Expects that `suite` finds `rule` broken. The backends here are wrong on purpose, each in one way that a plain first
/// version might be: what the suites are for.
func expect<Suite: ConformanceSuite>(
    _ suite: Suite,
    breaks rule: String,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let check = try #require(Suite.checks.first { $0.rule == rule }, "no such rule", sourceLocation: sourceLocation)
    // What depends on a race may need a few rounds.
    for _ in 1...20 {
        do {
            try await suite.run(check)
        } catch let failure as ConformanceFailure {
            #expect(failure.broken.map(\.rule) == [rule], sourceLocation: sourceLocation)
            return
        }
    }
    Issue.record("the suite does not notice", sourceLocation: sourceLocation)
}

@Suite struct ConformanceSuiteTests {
    @Test func rulesHaveNamesOfTheirOwn() {
        func check<Suite: ConformanceSuite>(_: Suite.Type) {
            #expect(Set(Suite.checks.map(\.rule)).count == Suite.checks.count, "\(Suite.self)")
        }
        check(StockStoreConformance.self)
        check(OutboxConformance.self)
        check(OrderQueueConformance.self)
        check(OrderLedgerConformance.self)
        check(SessionStoreConformance.self)
        check(RateLimiterConformance.self)
        check(PageCacheConformance.self)
        check(ChallengeConformance.self)
        check(PurchaseStoreConformance.self)
    }

    @Test func aRunNamesEveryBrokenRuleAndGoesOn() async throws {
        struct Unreachable: RateLimiter {
            func admit(_ key: String) async throws -> RateDecision { throw SeckillError(.unavailable, "no limiter") }
        }
        let suite = RateLimiterConformance { _, _ in Unreachable() }
        let failure = try #require(await #expect(throws: ConformanceFailure.self) { try await suite.run() })
        #expect(failure.broken.count > 10)
        #expect(failure.broken[0].detail == "unavailable: no limiter")
        #expect(failure.description.contains("broken: refusals count for nothing: unavailable: no limiter"))
    }

    @Test func aCancelledRunIsNoFailure() async throws {
        struct Endless: RateLimiter {
            let clock: ManualClock
            func admit(_ key: String) async throws -> RateDecision {
                try await clock.sleep(for: .seconds(1))
                return .admitted
            }
        }
        let clock = ManualClock()
        let run = Task { try await RateLimiterConformance { _, _ in Endless(clock: clock) }.run() }
        try await clock.waitForSleepers()
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
    }
}

import SeckillCore
import SeckillTesting
import Testing

@Suite struct ManualClockTests {
    let clock = ManualClock(now: Timestamp(milliseconds: 1000))

    @Test func advancingMovesBothTimesAndJumpingTheWallOnly() {
        clock.advance(by: .microseconds(1500))
        clock.advance(by: .microseconds(1500))
        #expect(clock.uptime == .milliseconds(3))
        #expect(clock.now == Timestamp(milliseconds: 1003))
        clock.jump(by: .seconds(-86_400))
        #expect(clock.uptime == .milliseconds(3))
        #expect(clock.now == Timestamp(milliseconds: 1003 - 86_400_000))
    }

    @Test func sleepersWakeAtTheirMomentAndNotBefore() async throws {
        let sleeper = Task { [clock] in try await clock.sleep(for: .seconds(10)) }
        try await clock.waitForSleepers()
        clock.advance(by: .milliseconds(9_999))
        #expect(clock.sleeperCount == 1)
        clock.jump(by: .seconds(100))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .milliseconds(1))
        #expect(clock.sleeperCount == 0)
        try await sleeper.value
    }

    @Test func sleepersWakeInTheOrderOfTheirMoments() async throws {
        let woken = Locked<Set<Int>>([])
        var sleepers: [Task<Void, any Error>] = []
        for (index, moment) in [30, 10, 20, 10, 40].enumerated() {
            sleepers.append(
                Task { [clock] in
                    try await clock.sleep(for: .seconds(moment))
                    woken.withLock { _ = $0.insert(index) }
                }
            )
            try await clock.waitForSleepers(index + 1)
        }
        for expected in [[1, 3], [2], [0]] {
            clock.advanceToNextSleeper()
            for index in expected { try await sleepers[index].value }
            #expect(woken.withLock { $0 } == Set(expected))
            woken.withLock { $0 = [] }
        }
        sleepers[4].cancel()
        await #expect(throws: CancellationError.self) { try await sleepers[4].value }
    }

    @Test func aCancelledSleeperIsGone() async throws {
        for round in 0..<100 {
            let sleeper = Task { [clock] in try await clock.sleep(for: .seconds(10)) }
            if round % 2 == 0 { try await clock.waitForSleepers() }
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            #expect(clock.sleeperCount == 0)
        }
        let waiter = Task { [clock] in try await clock.waitForSleepers() }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
    }

    @Test func nobodySleepsForNothing() async throws {
        try await clock.sleep(for: .zero)
        try await clock.sleep(for: .seconds(-1))
        clock.advanceToNextSleeper()
        #expect(clock.uptime == .zero)
    }

    @Test func skippedSleepsTakeTheirTime() async throws {
        let end = try await clock.skippingSleeps { [clock] in
            for seconds in 1...10 { try await clock.sleep(for: .seconds(seconds)) }
            return clock.uptime
        }
        #expect(end == .seconds(55))
        await #expect(throws: SeckillError.self) {
            try await clock.skippingSleeps { throw SeckillError(.invalid, "thrown through") }
        }
        #expect(clock.sleeperCount == 0)
    }
}

@Suite struct SeededRandomTests {
    /// The first numbers of the reference implementation for this seed.
    @Test func isSplitMix64() {
        let random = SeededRandom(1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in random.next() } == expected)
    }

    @Test func oneSeedIsOneStreamAndCopiesShareIt() {
        let (a, b) = (SeededRandom(7), SeededRandom(7))
        let copy = a
        #expect(a.next() == b.next())
        #expect(copy.next() == b.next())
        #expect(a.bytes(13).count == 13)
        #expect(SeededRandom(8).next() != SeededRandom(7).next())
    }
}

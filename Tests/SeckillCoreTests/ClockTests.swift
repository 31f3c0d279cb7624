import Testing

@testable import SeckillCore

@Suite("The system's clock")
struct ClockTests {
    private static let begin: Duration = .seconds(1_800_000_000)

    /// Looks every 100 ms for `seconds`, with a wall clock that is `error` ahead after the given time.
    private func watch(for seconds: Int, error: (Duration) -> Duration) -> [ClockWatch] {
        var watch = ClockWatch(wall: Self.begin, uptime: .zero)
        return (1...seconds * 10).map { step in
            let uptime: Duration = .milliseconds(step * 100)
            watch.look(wall: Self.begin + uptime + error(uptime), uptime: uptime)
            return watch
        }
    }

    /// By how much the time in use differs from the uptime.
    private func correction(_ watch: ClockWatch) -> Duration { watch.offset - Self.begin }

    @Test("follows a wall clock that is corrected slowly")
    func drift() {
        // 100 millionths fast.
        let watches = watch(for: 10_000) { $0 / 10_000 }
        #expect(watches.allSatisfy { $0.jump == nil && $0.jumps == 0 })
        #expect(watches.last.map(correction) == .seconds(1))
    }

    @Test("follows a small step by no more than 500 millionths of the time that passes")
    func smallStep() {
        let watches = watch(for: 4000) { $0 >= .seconds(1) ? .milliseconds(900) : .zero }
        for (earlier, later) in zip(watches, watches.dropFirst()) {
            #expect(correction(later) - correction(earlier) <= .microseconds(50))
        }
        #expect(watches.last.map(correction) == .milliseconds(900))
        #expect(watches.last?.jumps == 0)
    }

    @Test(
        "does not follow half a second of a wall clock that is a day off, and reports it there and back",
        arguments: [Duration.seconds(86_400), .seconds(-86_400), .seconds(1), .seconds(-1)]
    )
    func jump(_ error: Duration) {
        let watches = watch(for: 20) { (.seconds(5) ..< .milliseconds(5500)).contains($0) ? error : .zero }
        #expect(watches.allSatisfy { correction($0) == .zero })
        #expect(watches.filter { $0.jump == error }.count == 5)
        #expect(watches.filter { $0.jump == nil }.count == 195)
        #expect(watches.last?.jumps == 2)
    }

    @Test("stays with its own time as long as the wall clock is off, and reports a second jump")
    func twoJumps() {
        let watches = watch(for: 30) { $0 < .seconds(10) ? .zero : $0 < .seconds(20) ? .seconds(60) : .seconds(-3600) }
        #expect(watches.allSatisfy { correction($0) == .zero })
        #expect(watches.last?.jump == .seconds(-3600))
        #expect(watches.last?.jumps == 2)
    }

    @Test("reports one jump once, however the wall clock drifts after it")
    func jumpAndDrift() {
        let watches = watch(for: 100) { .seconds(60) + $0 / 10_000 }
        #expect(Set(watches.map(\.jump)).count == 1)
        #expect(watches.last?.jumps == 1)
    }

    @Test("shows the machine's time")
    func real() {
        let clock = SystemClock()
        let first = clock.now
        #expect(SystemClock.jump == nil)
        #expect(SystemClock.jumps == 0)
        #expect(first.milliseconds > 1_700_000_000_000)
        #expect(clock.now - first < .seconds(60))
    }
}

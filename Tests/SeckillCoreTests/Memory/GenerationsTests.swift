import SeckillTesting
import Testing

@testable import SeckillCore

@Suite("What is forgotten by and by")
struct GenerationsTests {
    @Test("is kept for one lifetime after its last touch, and no longer than two")
    func lifetimes() {
        let random = SeededRandom(5)
        var map = Generations<Int, Int>(lifetime: .seconds(10))
        var touched: [Int: Duration] = [:]
        var now: Duration = .zero
        for step in 0..<20_000 {
            now += .milliseconds(Int64(random.next() % 50))
            let key = Int(random.next() % 500)
            let value = map.value(for: key, at: now)
            if let last = touched[key] {
                if now - last < .seconds(10) { #expect(value != nil) }
                if now - last >= .seconds(20) { #expect(value == nil) }
            } else {
                #expect(value == nil)
            }
            if random.next().isMultiple(of: 8) {
                map.set(step, for: key, at: now)
                touched[key] = now
            }
        }
        now += .seconds(20)
        while map.makeRoom(at: now) {}
        #expect(map.count == 0)
    }

    @Test("is worked on in small parts, however much there is")
    func parts() {
        var map = Generations<Int, Int>(lifetime: .seconds(10))
        for key in 0..<100_000 { map.set(key, for: key, at: .zero) }
        #expect(map.count == 100_000)
        // What one call may move or drop: not much more than a 256th.
        #expect(map.largestPartition < 800)
        // All of it is old now, and each call drops a part.
        var left = map.count
        while map.count > 0 {
            let hasRoom = map.makeRoom(at: .seconds(20))
            #expect(hasRoom)
            #expect(left - map.count < 800)
            left = map.count
        }
        let hasRoom = map.makeRoom(at: .seconds(20))
        #expect(!hasRoom)
    }

    @Test("makes room in a limiter that is full of idle callers, and not in one that is full of busy ones")
    func limiter() async throws {
        let clock = ManualClock()
        let limiter = MemoryRateLimiter(try #require(Rate(1, per: .seconds(10))), clock: clock, limit: 1000)
        for key in 0..<1000 { #expect(try await limiter.admit("\(key)") == .admitted) }
        await #expect(throws: SeckillError.self) { try await limiter.admit("one more") }
        clock.advance(by: .seconds(20))
        for key in 0..<1000 { #expect(try await limiter.admit("other \(key)") == .admitted) }
        await #expect(throws: SeckillError.self) { try await limiter.admit("one more") }
    }

    @Test("counts what a dictionary in parts holds")
    func partitioned() {
        var all = PartitionedDictionary<Int, Int>()
        for key in 0..<10_000 { all[key] = key }
        for key in 0..<10_000 where key % 3 == 0 { all[key] = nil }
        all[3] = nil
        all[1] = 7
        #expect(all.count == 6666)
        #expect(all[1] == 7 && all[3] == nil && all[9998] == 9998)
        for partition in 0..<PartitionedDictionary<Int, Int>.partitionCount {
            all.filter(partition: partition) { $0 >= 5000 }
        }
        #expect(all.count == (5000..<10_000).count { $0 % 3 != 0 })
    }
}

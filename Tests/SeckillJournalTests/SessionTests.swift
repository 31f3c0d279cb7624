import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("Which sessions make room")
struct SessionTests {
    private let clock = ManualClock()
    private let disk = SimulatedDisk()
    private let day: Duration = .seconds(86_400)

    private func open(compactingAbove size: Int = 1 << 30) async throws -> EmbeddedStores {
        var limits = Journal.Limits.patient
        limits.compaction = size
        return try await EmbeddedStores.open(on: disk, clock: clock, limits: limits, sessionLimit: 30)
    }

    private func isLive(_ tokens: [SessionToken], _ sessions: JournalSessionStore) async throws -> [Bool] {
        var live: [Bool] = []
        for token in tokens { live.append(try await sessions.look(up: token) != nil) }
        return live
    }

    /// Through entries as through an image: in the second round the file is compacted before it is read.
    @Test("is known after a restart", arguments: [false, true])
    func restart(isCompacted: Bool) async throws {
        var stores = try await open()
        var own: [SessionToken] = []
        for _ in 0..<10 { own.append(try await stores.sessions.create(for: .number(0), lifetime: day)) }
        // Used in another order than they were created in.
        for token in own.reversed() { _ = try await stores.sessions.look(up: token) }
        var used: [SessionToken] = []
        for number in 11...20 {
            used.append(try await stores.sessions.create(for: .number(number), lifetime: day))
            _ = try await stores.sessions.look(up: used[used.count - 1])
        }
        var unused: [SessionToken] = []
        for number in 1...10 { unused.append(try await stores.sessions.create(for: .number(number), lifetime: day)) }
        _ = try await stores.sessions.refresh(used[0], lifetime: day * 2)
        if isCompacted {
            await stores.close()
            stores = try await open(compactingAbove: 1)
            let last = try await stores.sessions.create(for: .number(99), lifetime: day)
            let compaction = stores.sessions.journal.compaction
            try await eventually("it is compacted") { compaction.count > 0 }
            try await stores.sessions.revoke(last)
            // The first unused one made room for it.
            unused.removeFirst()
            unused.append(try await stores.sessions.create(for: .number(98), lifetime: day))
        }
        await stores.close()

        stores = try await open()
        #expect(try await stores.sessions.occupancy() == Occupancy(count: 30, limit: 30))
        _ = try await stores.sessions.create(for: .number(0), lifetime: day)
        #expect(try await isLive(own, stores.sessions) == [false] + Array(repeating: true, count: 9))
        for number in 0..<10 { _ = try await stores.sessions.create(for: .number(100 + number), lifetime: day) }
        #expect(try await isLive(unused, stores.sessions) == Array(repeating: false, count: 10))
        #expect(try await isLive(used, stores.sessions) == Array(repeating: true, count: 10))
        await stores.close()
    }

    @Test("has ended after a restart as well")
    func ended() async throws {
        var stores = try await open()
        var tokens: [SessionToken] = []
        for number in 0..<40 { tokens.append(try await stores.sessions.create(for: .number(number), lifetime: day)) }
        for _ in 0..<12 { tokens.append(try await stores.sessions.create(for: .number(50), lifetime: day)) }
        await stores.close()
        stores = try await open()
        #expect(try await stores.sessions.occupancy().count == 30)
        let live = Array(repeating: false, count: 20) + Array(repeating: true, count: 20)
        #expect(try await isLive(Array(tokens[..<40]), stores.sessions) == live)
        #expect(
            try await isLive(Array(tokens[40...]), stores.sessions) == [false, false]
                + Array(repeating: true, count: 10)
        )
        await stores.close()
    }
}

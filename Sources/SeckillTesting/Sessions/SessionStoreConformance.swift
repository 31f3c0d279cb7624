public import SeckillCore

/// The contract of ``SeckillCore/SessionStore`` as code.
public struct SessionStoreConformance: ConformanceSuite {
    private let fresh: Fresh<any SessionStore>
    private let limit: Int?

    /// A suite for stores that go by the clock they are given.
    /// - Parameters:
    ///   - limit: how many sessions the stores that are made hold, 200 or more; nil leaves the bound unchecked.
    ///   - make: makes an empty store, a new one each time.
    public init(limit: Int? = nil, _ make: @escaping @Sendable (ManualClock) async throws -> any SessionStore) {
        fresh = Fresh(make)
        self.limit = limit
    }

    /// A suite for stores whose clock is elsewhere, such as in a server: checks wait for real, a few seconds in all.
    /// - Parameters:
    ///   - clock: shows the same time as the stores' clock, within milliseconds.
    ///   - limit: how many sessions the stores that are made hold, 200 or more; nil leaves the bound unchecked.
    ///   - make: makes an empty store, a new one each time.
    public init(
        clock: any SaleClock,
        limit: Int? = nil,
        _ make: @escaping @Sendable () async throws -> any SessionStore
    ) {
        fresh = Fresh(clock: clock, make)
        self.limit = limit
    }

    /// Every rule of a session store.
    public static var checks: [Check] { identity + life + races + bounds }

    private static func rule(
        _ rule: String,
        _ body: @escaping @Sendable (any SessionStore, TestTime) async throws -> Void
    ) -> Check {
        Check(rule) { suite in
            let (store, time) = try await suite.fresh.make()
            try await body(store, time)
        }
    }

    private static let hour: Duration = .seconds(3600)
    private static let short = TestTime.short

    private static let identity: [Check] = [
        rule("a session is its user's, to the byte") { store, _ in
            var tokens: [UserID: SessionToken] = [:]
            for user in UserID.odd { tokens[user] = try await store.create(for: user, lifetime: hour) }
            for (user, token) in tokens {
                let session = try await store.look(up: token)
                try expect(session?.user, equals: user, "the user of a session")
            }
        },
        rule("each login makes another session, and one does not end the other") { store, _ in
            let count = SessionBounds.perUser
            let tokens = try await together(count) { _ in try await store.create(for: .alice, lifetime: hour) }
            try expect(Set(tokens).count, equals: count, "different tokens")
            try await store.revoke(tokens[0])
            for token in tokens.dropFirst() {
                try expect(try await store.look(up: token)?.user, equals: .alice, "a session of hers")
            }
        },
        rule("a token that was never given opens nothing") { store, _ in
            let token = try await store.create(for: .alice, lifetime: hour)
            let stranger = SessionToken.mint(from: SeededRandom(99))
            // One character off: nothing may be matched by prefix or similarity.
            let last: Character = token.text.last == "A" ? "B" : "A"
            let near = try require(SessionToken(token.text.dropLast() + String(last)), "a token")
            for wrong in [stranger, near] {
                try expect(try await store.look(up: wrong), equals: nil, "look(up:)")
                try expect(try await store.refresh(wrong, lifetime: hour), equals: nil, "refresh")
                try await store.revoke(wrong)
                try expect(try await store.look(up: wrong), equals: nil, "after refresh and revoke")
            }
            try expect(try await store.look(up: token)?.user, equals: .alice, "the session itself")
        },
    ]

    private static let life: [Check] = [
        rule("a session lasts for its lifetime, and no longer") { store, time in
            let before = time.clock.now
            let start = time.clock.uptime
            let token = try await store.create(for: .alice, lifetime: short)
            let session = try await store.look(up: token)
            try expect(session != nil || time.since(start) >= short, "a new session is not there")
            if let session {
                let slack: Duration = time.manual == nil ? .seconds(1) : .zero
                let (low, high) = (before + short + (.zero - slack), time.clock.now + short + slack)
                try expect((low...high).contains(session.expiresAt), "it ends at \(session.expiresAt), not at \(low)")
            }
            if let clock = time.manual {
                clock.advance(by: short - .milliseconds(1))
                try expect(try await store.look(up: token), equals: session, "1 ms before its end")
                clock.advance(by: .milliseconds(1))
            } else {
                try await time.pass(short)
            }
            try expect(try await store.look(up: token), equals: nil, "at its end")
        },
        rule("looking does not make a session last longer") { store, time in
            let token = try await store.create(for: .alice, lifetime: short)
            let first = try await store.look(up: token)
            for _ in 1...3 {
                try await time.pass(short / 4)
                let again = try await store.look(up: token)
                try expect(again == nil || again == first, "looked at again: \(String(describing: again))")
            }
            try await time.pass(short / 4)
            try expect(try await store.look(up: token), equals: nil, "at its end")
        },
        rule("refreshing slides the end, and never brings it nearer") { store, time in
            let token = try await store.create(for: .alice, lifetime: hour)
            let first = try require(try await store.look(up: token), "a session")
            let shorter = try await store.refresh(token, lifetime: .seconds(1))
            try expect(shorter, equals: first, "refreshed by less")
            let longer = try require(try await store.refresh(token, lifetime: hour * 2), "refreshed by more")
            try expect(longer.expiresAt - first.expiresAt >= hour, "the end moved to \(longer.expiresAt)")
            try expect(longer.user, equals: .alice, "the user")
            try expect(try await store.look(up: token), equals: longer, "read back")
            if let clock = time.manual {
                try expect(longer.expiresAt, equals: clock.now + hour * 2, "the end, exactly")
                clock.advance(by: hour * 2 - .milliseconds(1))
                try expect(try await store.look(up: token), equals: longer, "1 ms before the new end")
            }
        },
        rule("a session in use lives on, an idle one does not") { store, time in
            let used = try await store.create(for: .alice, lifetime: short)
            let idle = try await store.create(for: .alice, lifetime: short)
            for turn in 1...4 {
                let start = time.clock.uptime
                let session = try await store.refresh(used, lifetime: short)
                // On a machine that stalled for that long, its end is nobody's fault.
                guard session != nil || time.manual != nil else { return }
                try expect(session != nil || time.since(start) >= short, "refreshed for the \(turn). time")
                try await time.pass(short / 2)
            }
            try expect(try await store.look(up: idle), equals: nil, "the idle one")
        },
        rule("a session that is over cannot be refreshed") { store, time in
            let token = try await store.create(for: .alice, lifetime: short)
            try await time.pass(short)
            try expect(try await store.refresh(token, lifetime: hour), equals: nil, "refresh")
            try expect(try await store.look(up: token), equals: nil, "look(up:)")
        },
        rule("a revoked session is over at once and for good, however often it is revoked") { store, _ in
            let token = try await store.create(for: .alice, lifetime: hour)
            for _ in 1...2 {
                try await store.revoke(token)
                try expect(try await store.look(up: token), equals: nil, "look(up:)")
                try expect(try await store.refresh(token, lifetime: hour), equals: nil, "refresh")
            }
        },
    ]

    private static let races: [Check] = [
        rule("a refresh at the same moment does not bring a revoked session back") { store, _ in
            for _ in 1...20 {
                let token = try await store.create(for: .alice, lifetime: hour)
                _ = try await together(20) { index in
                    if index == 10 { try await store.revoke(token) }
                    _ = try await store.refresh(token, lifetime: hour + .seconds(index))
                }
                try expect(try await store.look(up: token), equals: nil, "after revoking")
            }
        },
        rule("of many refreshes at once the longest holds") { store, time in
            for _ in 1...20 {
                let token = try await store.create(for: .alice, lifetime: .seconds(60))
                let before = time.clock.now
                _ = try await together(20) { index in
                    try await store.refresh(token, lifetime: hour + .seconds(60 * ((index * 7) % 20)))
                }
                let session = try require(try await store.look(up: token), "the session")
                let longest = hour + .seconds(60 * 19)
                try expect(session.expiresAt - before > longest - .seconds(2), "it ends at \(session.expiresAt)")
            }
        },
    ]

    private static let bounds: [Check] = [
        rule("a user has ten sessions: with one more the oldest ends, however it is used, and none of others") {
            store,
            _ in
            let other = try await store.create(for: .bob, lifetime: hour)
            var tokens: [SessionToken] = []
            for count in 1...30 {
                tokens.append(try await store.create(for: .alice, lifetime: hour))
                for token in tokens.dropLast(SessionBounds.perUser) {
                    try expect(try await store.look(up: token), equals: nil, "an old one of \(count) sessions")
                }
                for token in tokens.suffix(SessionBounds.perUser).reversed() {
                    try expect(try await store.look(up: token)?.user, equals: .alice, "a late one of \(count) sessions")
                }
            }
            try expect(try await store.look(up: other)?.user, equals: .bob, "the session of another user")
        },
        rule("sessions that are over or revoked leave their users' places to others") { store, time in
            let first = try await store.create(for: .alice, lifetime: hour)
            for _ in 1...3 {
                let revoked = try await store.create(for: .alice, lifetime: hour)
                try await store.revoke(revoked)
            }
            for _ in 1..<SessionBounds.perUser { _ = try await store.create(for: .alice, lifetime: short) }
            try await time.pass(short)
            for _ in 1..<SessionBounds.perUser { _ = try await store.create(for: .alice, lifetime: hour) }
            try expect(try await store.look(up: first)?.user, equals: .alice, "her first session")
        },
        Check("a full store refuses nobody: sessions that were never used end, the oldest first") { suite in
            guard let limit = suite.limit else { return }
            let (store, _) = try await suite.fresh.make()
            let used = try await store.create(for: .number(0), lifetime: hour)
            try expect(try await store.look(up: used) != nil, "a new session")
            let refreshed = try await store.create(for: .number(1), lifetime: hour)
            try expect(try await store.refresh(refreshed, lifetime: hour * 2) != nil, "a refreshed session")
            var unused: [SessionToken] = []
            for number in 2..<limit { unused.append(try await store.create(for: .number(number), lifetime: hour)) }
            try expect(try await store.occupancy(), equals: Occupancy(count: limit, limit: limit), "full")
            // A storm of logins that nobody uses.
            for number in 0..<limit * 2 {
                let storm = try await store.create(for: .number(limit + number), lifetime: hour)
                unused.append(storm)
            }
            try expect(try await store.occupancy(), equals: Occupancy(count: limit, limit: limit), "after a storm")
            for token in [used, refreshed] {
                try expect(try await store.look(up: token) != nil, "a session that was used has ended")
            }
            for (index, token) in unused.enumerated() {
                let isLate = index >= unused.count - (limit - 2)
                try expect(try await store.look(up: token) != nil, equals: isLate, "unused session \(index)")
            }
        },
        Check("in a full store of used sessions the one that was used or refreshed longest ago ends") { suite in
            guard let limit = suite.limit else { return }
            let (store, _) = try await suite.fresh.make()
            var tokens: [SessionToken] = []
            for number in 0..<limit {
                tokens.append(try await store.create(for: .number(number), lifetime: hour))
                try expect(try await store.look(up: tokens[number]) != nil, "a new session")
            }
            try expect(try await store.refresh(tokens[0], lifetime: hour * 2) != nil, "refreshed")
            for number in 1...3 {
                let new = try await store.create(for: .number(limit + number), lifetime: hour)
                try expect(try await store.look(up: new) != nil, "a new session")
                try expect(try await store.look(up: tokens[number]), equals: nil, "session \(number)")
            }
            for token in [tokens[0]] + tokens[4...] {
                try expect(try await store.look(up: token) != nil, "a session that was used later has ended")
            }
        },
        Check("sessions that are over do not fill a store") { suite in
            guard let limit = suite.limit else { return }
            let (store, time) = try await suite.fresh.make()
            for number in 1..<limit / 2 { _ = try await store.create(for: .number(number), lifetime: short) }
            try await time.pass(short)
            for number in 0..<limit { _ = try await store.create(for: .number(limit + number), lifetime: hour) }
            let kept = try await store.occupancy().count
            try expect(kept, equals: limit, "sessions")
        },
    ]
}

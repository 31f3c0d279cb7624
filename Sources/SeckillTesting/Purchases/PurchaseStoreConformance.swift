public import SeckillCore

/// The contract of ``SeckillCore/PurchaseStore`` as code: one step answers and changes what the separate ones would.
public struct PurchaseStoreConformance: ConformanceSuite {
    /// A purchase store and the stores whose sessions, counts and stock it works on.
    public struct Stores: Sendable {
        var purchases: any PurchaseStore
        var sessions: any SessionStore
        var limiter: (any RateLimiter)?
        var stock: any StockStore

        /// `purchases` over the three others.
        public init(
            _ purchases: any PurchaseStore,
            sessions: any SessionStore,
            limiter: (any RateLimiter)?,
            stock: any StockStore
        ) {
            self.purchases = purchases
            self.sessions = sessions
            self.limiter = limiter
            self.stock = stock
        }
    }

    private let make: @Sendable (Rate?) async throws -> (Stores, TestTime)

    /// A suite for stores that go by the clock they are given.
    /// - Parameter make: makes empty stores, with a limiter if there is a rate, new ones each time.
    public init(_ make: @escaping @Sendable (Rate?, ManualClock) async throws -> Stores) {
        self.make = { rate in
            let clock = ManualClock()
            return (try await make(rate, clock), TestTime(clock: clock))
        }
    }

    /// A suite for stores whose clock is elsewhere, such as in a server.
    /// - Parameters:
    ///   - clock: shows the same time as the stores' clock, within milliseconds.
    ///   - make: makes empty stores, with a limiter if there is a rate, new ones each time.
    public init(clock: any SaleClock, _ make: @escaping @Sendable (Rate?) async throws -> Stores) {
        self.make = { rate in (try await make(rate), TestTime(clock: clock)) }
    }

    /// Every rule of a purchase store.
    public static var checks: [Check] { sessions + rates + stock + crowds + model }

    static func rule(
        _ rule: String,
        _ count: Int? = nil,
        per period: Duration = .seconds(3600),
        _ body: @escaping @Sendable (PurchaseBench) async throws -> Void
    ) -> Check {
        Check(rule) { suite in
            let rate = try count.map { try require(Rate($0, per: period), "a rate") }
            let (stores, time) = try await suite.make(rate)
            try await body(PurchaseBench(stores, time))
        }
    }

    private static let sessions: [Check] = [
        rule("a session buys for its user, to the byte", 5) { bench in
            try await bench.stock.install(stock: 1000)
            for (index, user) in UserID.odd.enumerated() {
                let token = try await bench.logIn(user)
                let session = try require(try await bench.sessions.look(up: token), "the session of '\(user)'")
                let order = bench.stock.order(for: user)
                let answer = try await bench.purchases.purchase(order, for: user, in: token)
                try expect(answer, equals: .decided(session, .reserved(sequence: index + 1)), "'\(user)'")
                let held = try await bench.stock.store.reservation(of: order)
                try expect(held?.user, equals: user, "the user of a reservation")
            }
        },
        rule("who has no session buys nothing and is not counted", 2) { bench in
            try await bench.stock.install(stock: 10)
            let revoked = try await bench.logIn(.alice)
            try await bench.sessions.revoke(revoked)
            let ended = try await bench.sessions.create(for: .alice, lifetime: .milliseconds(1))
            try await bench.time.pass(.milliseconds(1))
            for token in [revoked, ended, SessionToken.mint(from: SeededRandom(1))] {
                for _ in 1...3 { try expect(try await bench.buy(.alice, in: token), equals: .noSession, "no session") }
            }
            try await bench.expect(sold: 0, counted: 0, for: .alice)
        },
        rule("another's session buys nothing, and neither is counted", 2) { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.bob)
            let session = try require(try await bench.sessions.look(up: token), "a session")
            for _ in 1...3 {
                let answer = try await bench.buy(.alice, in: token)
                try expect(answer, equals: .anotherUser(session), "alice's order in bob's session")
            }
            for user in [UserID.alice, .bob] { try await bench.expect(sold: 0, counted: 0, for: user) }
        },
        rule("users that look alike are told apart") { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(UserID("caf\u{E9}")!)
            guard case .anotherUser = try await bench.buy(UserID("cafe\u{301}")!, in: token) else {
                throw Violation("the same characters in other bytes are another user", #fileID, #line)
            }
        },
        rule("a purchase leaves its session as it is") { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.sessions.create(for: .alice, lifetime: .seconds(60))
            let session = try await bench.sessions.look(up: token)
            for _ in 1...3 { try expect(try await bench.buy(.alice, in: token).session, equals: session, "told") }
            try expect(try await bench.sessions.look(up: token), equals: session, "kept")
        },
    ]

    private static let rates: [Check] = [
        rule("as many as the rate allows are decided; others reserve nothing and count for nothing", 3) { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.alice)
            for turn in 1...3 {
                guard case .decided = try await bench.buy(.alice, in: token) else {
                    throw Violation("purchase \(turn) is refused", #fileID, #line)
                }
            }
            for _ in 1...3 {
                guard case .rateLimited(_, let wait) = try await bench.buy(.alice, in: token) else {
                    throw Violation("one over the rate is decided", #fileID, #line)
                }
                try expect(wait > .zero && wait <= .seconds(3600), "wait of \(wait)")
            }
            try await bench.expect(sold: 3, counted: 3, for: .alice)
            try await bench.expect(sold: 3, counted: 0, for: .bob)
        },
        rule("a refused caller may come back when it was told", 2, per: TestTime.short) { bench in
            try await bench.stock.install(stock: 1000)
            let token = try await bench.logIn(.alice)
            for _ in 1...3 {
                var told: Duration?
                for _ in 1...100 where told == nil {
                    if case .rateLimited(_, let wait) = try await bench.buy(.alice, in: token) { told = wait }
                }
                let wait = try require(told, "a wait after a hundred purchases")
                try await bench.time.pass(wait)
                guard case .decided = try await bench.buy(.alice, in: token) else {
                    throw Violation("refused after \(wait)", #fileID, #line)
                }
            }
        },
        rule("requests that the limiter admitted and purchases count together", 3) { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.alice)
            let limiter = try require(bench.limiter, "a limiter")
            _ = try await limiter.admit(UserID.alice.text)
            _ = try await bench.buy(.alice, in: token)
            try await bench.expect(sold: 1, counted: 2, for: .alice)
        },
        rule("without a limiter everybody is let through") { bench in
            try await bench.stock.install(stock: 10)
            let token = try await bench.logIn(.alice)
            let order = bench.stock.order(for: .alice)
            for _ in 1...50 {
                guard case .decided = try await bench.purchases.purchase(order, for: .alice, in: token) else {
                    throw Violation("refused without a limit", #fileID, #line)
                }
            }
        },
    ]
}

/// Fresh stores and short ways to say what is done to them.
struct PurchaseBench: Sendable {
    let purchases: any PurchaseStore
    let sessions: any SessionStore
    let limiter: (any RateLimiter)?
    let stock: StockBench
    let time: TestTime

    init(_ stores: PurchaseStoreConformance.Stores, _ time: TestTime) {
        purchases = stores.purchases
        sessions = stores.sessions
        limiter = stores.limiter
        stock = StockBench(store: stores.stock, time: time)
        self.time = time
    }

    func logIn(_ user: UserID) async throws -> SessionToken {
        try await sessions.create(for: user, lifetime: .seconds(3600))
    }

    /// Buys with a new order.
    func buy(_ user: UserID, in token: SessionToken) async throws -> PurchaseAnswer {
        try await purchases.purchase(stock.order(for: user), for: user, in: token)
    }

    /// What has happened until now. Uses up the rate of `user`.
    func expect(sold: Int, counted: Int, for user: UserID, file: StaticString = #fileID, line: UInt = #line)
        async throws
    {
        let snapshot = try await stock.snapshot()
        try SeckillTesting.expect(snapshot.sequence, equals: sold, "units sold", file: file, line: line)
        let found = try await left(to: "who is not \(user)") - left(to: user.text)
        try SeckillTesting.expect(found, equals: counted, "requests counted of \(user)", file: file, line: line)
    }

    /// How many more requests of `key` are let through, 200 at most. Uses them up.
    func left(to key: String) async throws -> Int {
        guard let limiter else { return 0 }
        for count in 0..<200 {
            if case .refused = try await limiter.admit(key) { return count }
        }
        return 200
    }
}

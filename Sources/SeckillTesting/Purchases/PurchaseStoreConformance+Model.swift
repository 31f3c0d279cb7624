internal import SeckillCore

extension PurchaseStoreConformance {
    static let model: [Check] = (1...3).map { seed in
        rule("season \(seed) of logins, purchases, returns and closures goes as step by step", 12) { bench in
            var season = try Season(bench, seed: UInt64(seed))
            try await season.play(turns: 600)
        }
    }
}

/// The same random turns on the stores that are checked, and on stores in memory that are asked step by step.
private struct Season {
    private static let users = 12
    private let checked: PurchaseBench
    private let model: PurchaseBench
    private var random: SeededRandom
    private var epoch = 0
    private var revision = 1
    private var logins: [(user: UserID, checked: SessionToken, model: SessionToken)] = []
    private var orders: [(id: OrderID, user: UserID)] = []

    init(_ bench: PurchaseBench, seed: UInt64) throws {
        checked = bench
        random = SeededRandom(seed)
        let clock = bench.time.clock
        let sessions = MemorySessionStore(clock: clock, random: SeededRandom(seed))
        let limiter = MemoryRateLimiter(try require(Rate(12, per: .seconds(3600)), "a rate"), clock: clock)
        let stock = MemoryStockStore(clock: clock, random: SeededRandom(seed))
        let stepped = SteppedPurchaseStore(sessions: sessions, limiter: limiter, stock: stock)
        let stores = PurchaseStoreConformance.Stores(stepped, sessions: sessions, limiter: limiter, stock: stock)
        model = PurchaseBench(stores, bench.time)
    }

    private var both: [PurchaseBench] { [checked, model] }

    mutating func play(turns: Int) async throws {
        try await install()
        for turn in 1...turns {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<10: try await logIn()
            case 10..<13: try await logOut()
            case 13..<20: try await giveBack(turn)
            case 20..<24: try await update()
            case 24..<25: try await install()
            case 25..<26: for bench in both { try await bench.stock.store.distrust(.sample, epoch: epoch) }
            default: try await buy(turn)
            }
        }
        try await compare()
    }

    private mutating func install() async throws {
        epoch += 1
        let stock = Int.random(in: 0...20, using: &random)
        for bench in both {
            try await bench.stock.install(bench.stock.terms(limit: 3, revision: revision), stock: stock, epoch: epoch)
        }
    }

    private mutating func logIn() async throws {
        let user = UserID.number(Int.random(in: 0..<Self.users, using: &random))
        logins.append((user, try await checked.logIn(user), try await model.logIn(user)))
    }

    private mutating func logOut() async throws {
        guard let login = logins.randomElement(using: &random) else { return }
        try await checked.sessions.revoke(login.checked)
        try await model.sessions.revoke(login.model)
    }

    private mutating func giveBack(_ turn: Int) async throws {
        guard let order = orders.randomElement(using: &random) else { return }
        var outcomes: [[GiveBackOutcome]] = []
        for bench in both {
            let unit = bench.stock.unitReturn(of: order.id, for: order.user)
            outcomes.append(try await bench.stock.store.giveBack([unit]))
        }
        try expect(outcomes[0], equals: outcomes[1], "the return of turn \(turn)")
    }

    private mutating func update() async throws {
        revision += 1
        let admission: Admission = Bool.random(using: &random) ? .open : .paused
        for bench in both {
            try await bench.stock.store.update(
                bench.stock.terms(limit: 3, admission: admission, revision: revision)
            )
        }
    }

    private mutating func buy(_ turn: Int) async throws {
        guard let login = logins.randomElement(using: &random) else { return }
        // Mostly one's own; else another's link, an older one, or one of an epoch that is over or not yet.
        var (order, user) = (checked.stock.order(epoch: epoch, for: login.user), login.user)
        switch Int.random(in: 0..<10, using: &random) {
        case 0: if let known = orders.randomElement(using: &random) { (order, user) = known }
        case 1: if let known = orders.last(where: { $0.user == login.user }) { order = known.id }
        case 2:
            let other = max(1, epoch + Int.random(in: -1...1, using: &random))
            order = checked.stock.order(epoch: other, for: user)
        default: break
        }
        let found = await answer(of: checked, order, user, login.checked)
        try expect(found, equals: await answer(of: model, order, user, login.model), "turn \(turn)")
        if found.hasPrefix("reserved") { orders.append((order, user)) }
    }

    /// What can be compared: waits and ends of sessions depend on when a store was asked, versions on the store.
    private func answer(of bench: PurchaseBench, _ order: OrderID, _ user: UserID, _ token: SessionToken) async
        -> String
    {
        do {
            let answer = try await bench.purchases.purchase(order, for: user, in: token)
            let owner = answer.session?.user.text ?? "nobody"
            switch answer {
            case .noSession: return "no session"
            case .anotherUser: return "another user, \(owner)"
            case .rateLimited: return "rate limited, \(owner)"
            case .decided(_, .soldOut): return "sold out, \(owner)"
            case .decided(_, let outcome): return "\(outcome), \(owner)"
            }
        } catch {
            return (error as? SeckillError)?.code.description ?? "\(error)"
        }
    }

    private func compare() async throws {
        var snapshots: [[Int]?] = []
        for bench in both {
            let snapshot = try await bench.stock.store.snapshot(of: .sample)
            snapshots.append(snapshot.map { [$0.epoch, $0.remaining, $0.pending, $0.sequence, $0.revision] })
        }
        try expect(snapshots[0], equals: snapshots[1], "the stock in the end")
        for login in logins {
            let user = try await model.sessions.look(up: login.model)?.user
            try expect(try await checked.sessions.look(up: login.checked)?.user, equals: user, "a session in the end")
        }
        for user in (0..<Self.users).map(UserID.number) {
            let left = try await model.left(to: user.text)
            try expect(try await checked.left(to: user.text), equals: left, "requests left to \(user)")
        }
    }
}

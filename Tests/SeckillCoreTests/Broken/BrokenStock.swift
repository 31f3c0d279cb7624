import SeckillCore
import SeckillTesting
import Testing

@Suite struct BrokenStockStoreTests {
    private func suite(_ mistake: BrokenStore.Mistake) -> StockStoreConformance {
        StockStoreConformance { BrokenStore($0, mistake) }
    }

    @Test func withoutItsMistakeItIsRight() async throws { try await suite(.none).run() }

    @Test func reserving() async throws {
        let repeated = "a repeated order is already reserved, with its first sequence, and takes nothing"
        try await expect(suite(.forgetsOrders), breaks: repeated)
        try await expect(suite(.forgetsOrders), breaks: "one order many times at once takes one unit")
        try await expect(suite(.soldOutFirst), breaks: repeated)
        let given = "an order given back stays known and does not sell again"
        try await expect(suite(.forgetsReturnedOrders), breaks: given)
        try await expect(suite(.joinsUsers), breaks: "users are told apart by bytes")
        let limit = "five orders of everybody at once: nobody over the limit, and everybody gets what it allows"
        try await expect(suite(.looksThenCounts), breaks: limit)
        try await expect(suite(.sellsOldLinks), breaks: "an order of an older epoch is stale, whatever else holds")
        try await expect(suite(.takesLaterTerms), breaks: "only terms of a later revision replace those that are held")
    }

    @Test func returns() async throws {
        try await expect(suite(.returnsTwice), breaks: "a return puts units back on sale, once")
        try await expect(suite(.returnsTwice), breaks: "one return many times at once is applied once")
        let epoch = "a return of another epoch is refused, and stays to be made in its own"
        try await expect(suite(.returnsOfAnyEpoch), breaks: epoch)
        let restock = "a returned order frees its user's limit, a restock nobody's"
        try await expect(suite(.keepsTheLimit), breaks: restock)
        let version = "the restock version rises with every gain, never falls, and comes with sold out"
        try await expect(suite(.countsVersionsByEpoch), breaks: version)
        try await expect(suite(.tellsNobody), breaks: "listeners hear of a gain")
    }

    @Test func rebuild() async throws {
        let outbox =
            "a claim takes the whole outbox, in order: what consumers hold too, what they acknowledged not"
        try await expect(suite(.drainsWhatWaits), breaks: outbox)
        try await expect(suite(.installsAnyway), breaks: "a claim runs out by itself, and then installs nothing")
        try await expect(suite(.installsAnyway), breaks: "a claim installs once")
        let foreign = "an install under a claim on another identity is refused, and changes nothing"
        try await expect(suite(.installsForOthers), breaks: foreign)
        try await expect(suite(.claimsForEverybody), breaks: "while one claim is alive there is no other")
        try await expect(suite(.claimsForEverybody), breaks: "of many rebuilders at once, one claims")
        try await expect(suite(.distrustsAnyEpoch), breaks: "distrust of another epoch or another sale changes nothing")
        let sold = "a sale that is distrusted sells nothing until a rebuild, and keeps its outbox"
        try await expect(suite(.trustsForEver), breaks: sold)
        try await expect(suite(.ignoresSequence), breaks: "a store that is behind the ledger's sequence is rebuilt")
        try await expect(
            suite(.drainsOnePage),
            breaks: "an outbox is drained in pages, of the epoch that the store was in"
        )
        let sums = "a store whose counts do not add up to what was installed is rebuilt"
        try await expect(suite(.trustsItsCounts), breaks: sums)
    }

    @Test func ledgersThatWentBack() async throws {
        let later = "a store in a later epoch than the ledger says so, and goes on"
        try await expect(suite(.claimsLaterEpochs), breaks: later)
        let known = "a store that knows more recorded orders than the ledger says so, unless the loss is accepted"
        for mistake in [BrokenStore.Mistake.forgetsWhatItKnew, .forgetsEarlierOrders] {
            try await expect(suite(mistake), breaks: known)
        }
        try await expect(suite(.lowersEpochs), breaks: "an install never lowers the epoch")
    }

    @Test func leases() async throws {
        let lease = "a lease lives as long as it is renewed, and not when it is over"
        try await expect(suite(.renewsNothing), breaks: lease)
        try await expect(suite(.renewsWhatIsOver), breaks: lease)
    }

    @Test func bounds() async throws {
        let full = "a full outbox is overloaded, takes nothing, and goes on when it has room"
        try await expect(StockStoreConformance(outboxLimit: 1000) { MemoryStockStore(clock: $0) }, breaks: full)
    }
}

/// A right store behind one mistake.
private final class BrokenStore: DecoratedStore {
    enum Mistake {
        case none
        case forgetsOrders, soldOutFirst, forgetsReturnedOrders, joinsUsers, looksThenCounts, takesLaterTerms
        case sellsOldLinks
        case returnsTwice, returnsOfAnyEpoch, keepsTheLimit, countsVersionsByEpoch, tellsNobody
        case drainsWhatWaits, drainsOnePage, installsAnyway, installsForOthers, claimsForEverybody, claimsLaterEpochs
        case distrustsAnyEpoch, trustsForEver, ignoresSequence, trustsItsCounts, forgetsWhatItKnew, forgetsEarlierOrders
        case renewsNothing, renewsWhatIsOver, lowersEpochs
    }

    private struct Notes: Sendable {
        var turn = 0
        var users: [String: UserID] = [:]
        var held: [UserID: Int] = [:]
        var limit = 0
        var returned: Set<String> = []
        var received: Set<OrderID> = []
    }

    let base: any StockStore
    private let mistake: Mistake
    private let notes = Locked(Notes())
    private let samples = try! LinkSigner(secrets: [Array(repeating: 1, count: 32)], random: SeededRandom(2))

    init(_ clock: any SaleClock, _ mistake: Mistake) {
        base = MemoryStockStore(clock: clock)
        self.mistake = mistake
    }

    func restocks() -> AsyncStream<Restock> {
        mistake == .tellsNobody ? AsyncStream { $0.finish() } : base.restocks()
    }

    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        switch mistake {
        case .forgetsOrders:
            let another = samples.mintOrder(sale: order.sale, epoch: order.epoch, user: user)
            return try await base.reserve(another, for: user)
        case .forgetsReturnedOrders where notes.withLock({ $0.returned.contains(order.text) }):
            let another = samples.mintOrder(sale: order.sale, epoch: order.epoch, user: user)
            return try await base.reserve(another, for: user)
        case .sellsOldLinks:
            guard let present = try await base.snapshot(of: order.sale)?.epoch, order.epoch < present else {
                return try await base.reserve(order, for: user)
            }
            let another = samples.mintOrder(sale: order.sale, epoch: present, user: user)
            return try await base.reserve(another, for: user)
        case .soldOutFirst:
            if let snapshot = try await base.snapshot(of: order.sale), snapshot.remaining == 0 {
                return .soldOut(version: snapshot.version)
            }
            return try await base.reserve(order, for: user)
        case .joinsUsers:
            let known = notes.withLock { notes in
                // String finds é composed and decomposed the same.
                let known = notes.users[user.text] ?? user
                notes.users[user.text] = known
                return known
            }
            return try await base.reserve(order, for: known)
        case .looksThenCounts:
            let (held, limit) = notes.withLock { ($0.held[user, default: 0], $0.limit) }
            if held >= limit { return .limitReached }
            await Task.yield()
            notes.withLock { $0.held[user] = held + 1 }
            return try await base.reserve(order, for: user)
        case .countsVersionsByEpoch:
            if case .soldOut(let version) = try await base.reserve(order, for: user) {
                return .soldOut(version: version & 0xFFFF_FFFF)
            }
            return try await base.reserve(order, for: user)
        default:
            return try await base.reserve(order, for: user)
        }
    }

    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        var returns = returns
        for index in returns.indices {
            switch mistake {
            case .returnsTwice:
                returns[index].id += notes.withLock { notes in
                    notes.turn += 1
                    return ".\(notes.turn)"
                }
            case .returnsOfAnyEpoch:
                returns[index].epoch = try await base.snapshot(of: returns[index].sale)?.epoch ?? 0
            case .keepsTheLimit:
                returns[index].user = nil
            default:
                break
            }
        }
        notes.withLock { $0.returned.formUnion(returns.map(\.id)) }
        return try await base.giveBack(returns)
    }

    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        try await base.snapshots(of: sales).map { snapshot in
            var snapshot = snapshot
            if mistake == .countsVersionsByEpoch { snapshot?.version &= 0xFFFF_FFFF }
            return snapshot
        }
    }

    func update(_ terms: SaleTerms) async throws {
        var terms = terms
        if mistake == .takesLaterTerms {
            terms.revision = notes.withLock { notes in
                notes.turn += 1
                return 100 + notes.turn
            }
        }
        try await base.update(terms)
    }

    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome {
        var record = record
        switch mistake {
        case .ignoresSequence: record.sequence = 0
        case .trustsItsCounts:
            if let snapshot = try await base.snapshot(of: record.sale.id) { record.installed = snapshot.installed }
        case .forgetsWhatItKnew: (record.orders, record.recorded) = (.max / 2, .max / 2)
        default: break
        }
        let outcome = try await base.claim(record, identity: identity, lifetime: lifetime)
        switch (outcome, mistake) {
        case (.busy, .claimsForEverybody):
            return .claimed(StockClaim(sale: record.sale.id, token: "mine", identity: identity, epoch: 0))
        case (.ahead(let epoch, _), .claimsLaterEpochs):
            record.epoch = epoch
            (record.orders, record.recorded) = (.max / 2, .max / 2)
            return try await base.claim(record, identity: identity, lifetime: lifetime)
        default:
            return outcome
        }
    }

    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        let isAlive = try await base.renew(claim, for: mistake == .renewsNothing ? .zero : lifetime)
        return mistake == .renewsWhatIsOver || isAlive
    }

    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        var page = try await base.drain(claim, after: cursor, limit: limit)
        switch mistake {
        case .drainsWhatWaits:
            let received = notes.withLock { $0.received }
            page.reservations.removeAll { received.contains($0.order) }
        case .drainsOnePage: page.next = nil
        default: break
        }
        return page
    }

    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        var (stock, claim) = (stock, claim)
        if mistake == .installsForOthers { claim.identity = try await base.identity() }
        if mistake == .looksThenCounts {
            notes.withLock { $0.limit = stock.terms.limitPerUser }
            stock.terms.limitPerUser = 1000
        }
        if mistake == .forgetsEarlierOrders { stock.orders = 0 }
        if mistake == .lowersEpochs { return true }
        if try await base.install(stock, under: claim) { return true }
        guard mistake == .installsAnyway else { return false }
        var record = SaleRecord(try Sale(id: claim.sale, title: "x", price: 0, stock: 0, opensAt: stock.terms.opensAt))
        (record.epoch, record.sequence, record.orders, record.recorded) = (stock.epoch, .max, .max / 2, .max / 2)
        let outcome = try await base.claim(record, identity: claim.identity, lifetime: .seconds(1))
        guard case .claimed(let own) = outcome else { return false }
        stock.epoch += try await base.snapshot(of: claim.sale)?.epoch ?? 0
        return try await base.install(stock, under: own)
    }

    func distrust(_ sale: SaleID, epoch: Int) async throws {
        switch mistake {
        case .trustsForEver: break
        case .distrustsAnyEpoch:
            if let present = try await base.snapshot(of: sale)?.epoch { try await base.distrust(sale, epoch: present) }
        default: try await base.distrust(sale, epoch: epoch)
        }
    }

    var outbox: any OrderSource {
        Observed(base: base.outbox) { orders in self.notes.withLock { $0.received.formUnion(orders) } }
    }

    private struct Observed: DecoratedSource {
        let base: any OrderSource
        let note: @Sendable ([OrderID]) -> Void

        func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
            let deliveries = try await base.receive(max, as: consumer, wait: wait)
            note(deliveries.compactMap(\.reservation?.order))
            return deliveries
        }
    }
}

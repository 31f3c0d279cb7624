import Logging
import SeckillTesting

@testable import SeckillCore

/// A whole sale, one step at a time, in an order that a seed decides: buyers who retry, workers that stop between
/// receiving, recording and acknowledging, deadlines, returns that are applied and not marked, stores that are lost, and,
/// where there are several nodes with a store each, sales that are taken over and released.
final class World {
    /// A server with a stock store of its own.
    struct Node {
        let store: LosableStockStore
        let shop: FlashSale
        var sweeps = Reconciler.State()
        /// What two workers hold between receiving and acknowledging.
        var hands: [[Delivery]] = [[], []]
        /// What a returns service holds between reading and applying.
        var returning: [StockReturn] = []
    }

    static let users = (0..<4).map { UserID("user-\($0)")! }
    let stock = 3
    let limit = 2
    let sale = SaleID("phone")!
    let clock = ManualClock()
    let ledger = RestorableLedger()
    /// Whether the ledger was ever put back.
    var wentBack = false
    private let goesBack: Bool
    var nodes: [Node] = []
    var random: SeededGenerator
    var links: [(link: PurchaseLink, user: UserID)] = []
    /// Every order that was answered "accepted": the promise is about these.
    var acknowledged: [OrderID: UserID] = [:]
    var rejectedToBuyer: Set<OrderID> = []
    var recordedToBuyer: Set<OrderID> = []
    /// Whether an operator has accepted that the ledger lacks orders.
    var lossAccepted = false

    init(seed: UInt64, nodes count: Int, goesBack: Bool = false) async throws {
        self.goesBack = goesBack
        random = SeededGenerator(state: seed)
        let signer = try LinkSigner(secrets: [Array(repeating: 1, count: 32)], random: SeededRandom(seed))
        for number in 0..<count {
            let store = LosableStockStore(name: StoreName("store \(number)"), clock: clock)
            let shop = FlashSale(
                stock: store,
                ledger: ledger,
                sessions: MemorySessionStore(clock: clock),
                signer: signer,
                clock: clock,
                random: SeededRandom(seed + 1),
                logger: Logger(label: "world") { _ in SwiftLogNoOpLogHandler() }
            )
            nodes.append(Node(store: store, shop: shop))
        }
        let declared = try Sale(
            id: sale,
            title: "Phone",
            price: 1,
            stock: stock,
            limitPerUser: limit,
            opensAt: clock.now,
            paymentWindow: .seconds(5)
        )
        for node in nodes { _ = try await node.shop.create(declared) }
    }

    func step() async throws {
        let at = pick(nodes.count)
        let (store, shop, hand) = (nodes[at].store, nodes[at].shop, pick(2))
        switch random.next(upTo: 100) {
        case 0..<18: try await askForLink(shop)
        case 18..<48: await buy(shop)
        case 48..<56: await settle(shop)
        case 56..<64:
            nodes[at].hands[hand] += try await store.outbox.receive(2, as: consumer(pick(2)), wait: .zero)
        case 64..<72: _ = try await shop.recorder.record(nodes[at].hands[hand].compactMap(\.reservation))
        case 72..<78: try await acknowledge(at, hand)
        case 78..<80:
            nodes[at].hands[hand] += try await store.outbox.takeOver(9, idle: .seconds(3), as: consumer(pick(2)))
        case 80..<84: clock.advance(by: .milliseconds(Int64(random.next(upTo: 3000))))
        case 84..<88: try await shop.expiry.expireAll()
        case 88..<91: try await shop.returns.applyAll()
        case 91: nodes[at].returning = try await ledger.pendingReturns(limit: 10)
        case 92: try await giveBack(at)
        case 93..<97: try await shop.reconciler.sweep(&nodes[at].sweeps)
        case 97: if !goesBack { store.lose() }
        case 98: nodes[at].hands[hand] = []  // a worker dies
        default: try await disturb(at)
        }
    }

    private func disturb(_ at: Int) async throws {
        if goesBack, pick(3) > 0 { return try await meddleWithLedger() }
        guard nodes.count > 1 else { return try await tear(nodes[at]) }
        switch pick(6) {
        case 0: _ = try await nodes[at].shop.takeOver()
        case 1: try await nodes[at].shop.releaseSales()
        default: try await tear(nodes[at])
        }
    }

    /// Backs up, puts the copy back by hand, or accepts what that has lost.
    private func meddleWithLedger() async throws {
        switch pick(3) {
        case 0: ledger.backUp()
        case 1: if ledger.restore() { wentBack = true }
        default: try await acceptLoss()
        }
    }

    /// Accepts the loss, if a node has reported that the ledger lacks orders.
    private func acceptLoss() async throws {
        guard case .ledgerLostOrders = nodes[0].shop.health[sale] else { return }
        lossAccepted = true
        _ = try await ledger.raiseEpoch(of: sale, above: 10_000, acceptingLoss: true)
    }

    /// A rebuild that is cut off at one of its steps.
    private func tear(_ node: Node) async throws {
        let (store, shop) = (node.store, node.shop)
        let record = try await ledger.sale(sale)!
        let outcome = try await store.claim(record, identity: store.identity(), lifetime: .seconds(2))
        guard case .claimed(let claim) = outcome, pick(4) > 0 else { return }
        _ = try await shop.recorder.record(try await store.drain(claim, after: nil, limit: 1000).reservations)
        guard pick(3) > 0,
            case .begun(let installed) = try await ledger.beginEpoch(after: record.epoch, of: sale, in: store.name)
        else { return }
        if pick(2) > 0 { _ = try await store.install(installed, under: claim) }
    }

    private func askForLink(_ shop: FlashSale) async throws {
        let user = Self.users[pick(Self.users.count)]
        if case .granted(let link) = await shop.link(to: sale, for: .user(user)) { links.append((link, user)) }
    }

    private func buy(_ shop: FlashSale) async {
        guard !links.isEmpty else { return }
        let (link, user) = links[pick(links.count)]
        guard case .accepted(let order) = await shop.purchase(link.token, of: sale, by: .user(user)) else { return }
        if order.status == .queued { acknowledged[order.id] = user }
    }

    private func settle(_ shop: FlashSale) async {
        guard !links.isEmpty else { return }
        let (link, user) = links[pick(links.count)]
        if pick(3) == 0 {
            _ = try? await shop.pay(link.order, of: user)
        } else {
            _ = try? await shop.cancel(link.order, of: user)
        }
        await look(link.order, user, shop)
    }

    private func look(_ id: OrderID, _ user: UserID, _ shop: FlashSale) async {
        // A store that is being rebuilt has nothing to say yet.
        let order = try? await shop.order(id, of: user)
        if order?.status == .rejected { rejectedToBuyer.insert(id) }
        if order?.status == .awaitingPayment || order?.status == .paid { recordedToBuyer.insert(id) }
    }

    private func giveBack(_ at: Int) async throws {
        let (store, returning) = (nodes[at].store, nodes[at].returning)
        let outcomes = try await store.giveBack(returning)
        // Or the process dies between the two.
        if pick(2) == 0 {
            try await ledger.markReturnsApplied(zip(returning, outcomes).filter { $1 != .refused }.map(\.0))
        }
    }

    private func acknowledge(_ at: Int, _ hand: Int) async throws {
        // Only what is recorded may be acknowledged; the hand remembers more.
        var recorded: [Delivery] = []
        for delivery in nodes[at].hands[hand] {
            if try await ledger.lookUp(delivery.reservation!.order).order != nil { recorded.append(delivery) }
        }
        try await nodes[at].store.outbox.acknowledge(recorded)
        nodes[at].hands[hand] = []
    }

    /// Everything heals: dead workers' orders are reclaimed, returns are applied, the stores are watched.
    func settleDown() async throws {
        for _ in 0..<6 {
            clock.advance(by: .seconds(40))
            for at in nodes.indices { try await settleDown(at) }
        }
    }

    private func settleDown(_ at: Int) async throws {
        let shop = nodes[at].shop
        try await shop.reconciler.sweep(&nodes[at].sweeps)
        try await acceptLoss()
        let worker = nodes[at].store.outbox
        while true {
            let deliveries =
                try await worker.receive(100, as: consumer(9), wait: .zero)
                + worker.takeOver(100, idle: .seconds(1), as: consumer(9))
            if deliveries.isEmpty { break }
            _ = try await shop.recorder.record(deliveries.compactMap(\.reservation))
            try await worker.acknowledge(deliveries)
        }
        try await shop.expiry.expireAll()
        try await shop.returns.applyAll()
    }

    func pick(_ count: Int) -> Int { random.next(upTo: count) }
    private func consumer(_ number: Int) -> ConsumerID { ConsumerID("worker-\(number)") }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SeededGenerator {
    var state: UInt64

    mutating func next(upTo count: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ z >> 31) % UInt64(count))
    }
}

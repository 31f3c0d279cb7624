import SeckillCore
import Testing

struct SimulationTests {
    /// The promises hold after every step of thousands of sales that go wrong in every way, each replayable by its seed.
    @Test(arguments: 0..<40, [1, 2])
    func thePromisesHoldInEveryOrderOfEvents(shard: Int, nodes: Int) async throws {
        for seed in 0..<(nodes == 1 ? 25 : 10) {
            let world = try await World(seed: UInt64(shard * 25 + seed), nodes: nodes)
            for _ in 0..<300 {
                try await world.step()
                try await checkAtEveryInstant(world)
            }
            try await world.settleDown()
            try await checkInTheQuiet(world)
        }
    }

    /// The same with a ledger of which older copies are put back by hand, under a store that loses nothing: never
    /// oversold, and every order that was acknowledged ends, once an operator has accepted the loss.
    @Test(arguments: 0..<20)
    func thePromisesHoldWhereTheLedgerGoesBack(shard: Int) async throws {
        for seed in 0..<10 {
            let world = try await World(seed: UInt64(shard * 25 + seed), nodes: 1, goesBack: true)
            for _ in 0..<300 {
                try await world.step()
                try await checkAtEveryInstant(world)
            }
            try await world.settleDown()
            try await checkInTheQuiet(world)
        }
    }

    private func checkAtEveryInstant(_ world: World) async throws {
        let totals = try await world.ledger.totals(of: world.sale)!
        try #require(totals.awaiting + totals.paid <= world.stock, "promise 1")
        for user in World.users {
            let live = try await world.ledger.orders(of: user, limit: .max).count { $0.status.isLive }
            try #require(live <= world.limit, "promise 4")
        }
    }

    private func checkInTheQuiet(_ world: World) async throws {
        let totals = try await world.ledger.totals(of: world.sale)!
        let holder = try #require(try await world.ledger.sale(world.sale)?.holder)
        var snapshots: [StoreName: StockSnapshot] = [:]
        for node in world.nodes { snapshots[node.store.name] = try await node.store.snapshot(of: world.sale) }
        try #require(snapshots.count == 1, "one store sells")
        let snapshot = try #require(snapshots[holder], "the sale reopens")
        try #require(snapshot.pending == 0 && totals.returning == 0)
        try #require(snapshot.remaining + totals.awaiting + totals.paid == world.stock, "promise 2")
        for (id, user) in world.acknowledged {
            let order = try await world.nodes[0].shop.order(id, of: user)
            try #require(
                order != nil && order?.status != .queued,
                "promise 3: \(id) ended as \(String(describing: order))"
            )
            // What a buyer has seen recorded is lost only where an operator has said so.
            if world.recordedToBuyer.contains(id), !world.lossAccepted { try #require(order?.status != .rejected) }
            // Rejected is for ever.
            if !world.wentBack, world.rejectedToBuyer.contains(id) { try #require(order?.status == .rejected) }
        }
    }
}

import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// Two ledgers, or two shops, on one Redis.
@Suite(.ifRedis, .redis) struct MandateTests {
    private let redis: RedisConnection
    private let namespace = uniqueNamespace()
    private let own: RedisStockStore
    private let foreign: RedisStockStore
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    private let user = UserID("alice")!

    init() throws {
        redis = try .shared
        own = .sample(on: redis, namespace: namespace)
        foreign = RedisStockStore(redis, ledger: LedgerID("other")!, namespace: namespace)
    }

    @Test func aSaleOfAnotherLedgerIsLeftAsItIs() async throws {
        try await own.install(epoch: 1)
        let order = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
        _ = try await own.reserve(order, for: user)
        for epoch in 0...2 {
            let outcome = try await foreign.tryClaim(epoch: epoch)
            #expect(outcome == .foreign(.sample))
        }
        await #expect(throws: SeckillError.self) { try await foreign.reserve(order, for: user) }
        #expect(try await foreign.snapshot(of: Shop.sale) == nil)
        try await foreign.distrust(Shop.sale, epoch: 1)
        let unit = StockReturn(id: "r", sale: Shop.sale, epoch: 1, units: 5, user: nil)
        #expect(try await foreign.giveBack([unit]) == [.refused])
        // Nor do its workers take the orders, which its ledger could only reject.
        #expect(try await foreign.outbox.receive(9, as: ConsumerID("a"), wait: .zero).isEmpty)
        #expect(try await foreign.outbox.takeOver(9, idle: .zero, as: ConsumerID("a")).isEmpty)
        #expect(try await foreign.outbox.depth().count == 0)

        #expect(try await own.snapshot(of: Shop.sale)?.pending == 1)
        #expect(try await own.outbox.receive(9, as: ConsumerID("a"), wait: .seconds(5)).count == 1)
    }

    /// An order that fails in one epoch says nothing of the next.
    @Test func anErrorOfOneEpochDoesNotCloseTheNext() async throws {
        try await own.install(epoch: 1)
        let late = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
        _ = try await own.reserve(late, for: user)
        try await own.distrust(Shop.sale, epoch: 1)
        try await own.install(epoch: 2)
        let session = try redis.session()
        for message in ["WRONGTYPE x", "NOGROUP x", "NOSCRIPT x", "DAMAGED x", "ERR user_script:1: attempt to x"] {
            #expect(RedisError(message).isOfDamagedData)
        }
        for message in ["WRONGTYPE x", "NOGROUP x", "DAMAGED x"] {
            _ = await own.failure(RedisError(message), of: Shop.sale, epoch: 1, on: session)
        }
        #expect(try await own.snapshot(of: Shop.sale)?.epoch == 2)
        _ = await own.failure(RedisError("DAMAGED x"), of: Shop.sale, epoch: 2, on: session)
        #expect(try await own.snapshot(of: Shop.sale) == nil)
    }

    @Test func twoShopsInNamespacesOfTheirOwnShareAServer() async throws {
        let other = RedisStockStore(redis, ledger: LedgerID("other")!, namespace: uniqueNamespace())
        for store in [own, other] { try await store.install(epoch: 1) }
        let order = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
        _ = try await own.reserve(order, for: user)
        #expect(try await other.snapshot(of: Shop.sale)?.remaining == 10)
        #expect(try await other.reservation(of: order) == nil)
        #expect(try await own.snapshot(of: Shop.sale)?.remaining == 9)
        #expect(own.name != other.name)
    }

    @Test func theNameIsTheServersResolvedAddress() async throws {
        let configurations = ["redis://localhost:1/3", "redis://127.0.0.1:1/3"]
        var names: Set<String> = []
        for url in configurations {
            let connection = try await RedisConnection.open(RedisConfiguration(url: url), logger: .quiet)
            names.insert(RedisStockStore(connection, ledger: .sample).name.text)
            await connection.close()
        }
        #expect(names == ["redis://127.0.0.1:1/3 namespace ledger"])
    }
}

/// What Redis does when a replica comes, or has been gone for an hour: it calls the history of its data by another name.
@Suite(.ifRedisServer) struct RenameTests {
    @Test func aHistoryThatOnlyGotAnotherNameVoidsNoLink() async throws {
        try await RedisStockStore.withSale { redis, store in
            let before = try redis.session()
            let identity = try await store.identity()
            for round in 1...2 {
                _ = try await redis.send(["DEBUG", "CHANGE-REPL-ID"])
                // A node that starts now waits for those that were there.
                let newcomer = try await RedisConnection.connect(redis.configuration, logger: .quiet)
                let newStore = RedisStockStore.sample(on: newcomer, namespace: store.namespace)
                await #expect(throws: SeckillError.self) { try await newStore.snapshot(of: Shop.sale) }
                try await eventually("it is noticed") { try redis.session().renames == round }
                #expect(try redis.session().number == before.number, "the connection is the same")
                #expect(try await store.snapshot(of: Shop.sale)?.epoch == 1)
                #expect(try await newStore.snapshot(of: Shop.sale)?.epoch == 1)
                #expect(try await store.identity() == identity)
                #expect(try await newStore.identity() == identity)
                await newcomer.close()
            }
        }
    }

    @Test func aFirstReplicaVoidsNoLink() async throws {
        let port = try freePort()
        try await RedisServer.with(options: [
            "--bind", "127.0.0.1", "--port", "\(port)", "--repl-diskless-sync-delay", "0",
        ]) { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis)
            try await store.install(epoch: 1)
            let before = try redis.session()
            try await RedisServer.with(options: ["--replicaof", "127.0.0.1 \(port)"], isReplica: true) { _ in
                try await eventually("it is noticed") { try redis.session().renames == 1 }
            }
            #expect(try redis.session().number == before.number)
            #expect(try await store.snapshot(of: Shop.sale)?.epoch == 1)
            await redis.close()
        }
    }

    /// Where no node was connected all the time, none can know what happened in between.
    @Test func aHistoryThatGotAnotherNameUnseenIsRebuilt() async throws {
        try await RedisServer.with { server in
            let first = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: first)
            try await store.install(epoch: 1)
            await first.close()
            let second = try await RedisConnection.connect(server.configuration, logger: .quiet)
            _ = try await second.send(["DEBUG", "CHANGE-REPL-ID"])
            await second.close()
            let third = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let after = RedisStockStore.sample(on: third, namespace: store.namespace)
            try await eventually("it waits no longer") { (try? await after.identity()) != nil }
            #expect(try await after.snapshot(of: Shop.sale) == nil)
            try await after.install(epoch: 2)
            #expect(try await after.snapshot(of: Shop.sale)?.epoch == 2)
            await third.close()
        }
    }

    /// Nodes that call the server by different names would rebuild each other's sales for ever.
    @Test func nodesThatDisagreeOnTheNameAgreeAgain() async throws {
        try await RedisStockStore.withSale { redis, store in
            _ = try await redis.send(["DEBUG", "CHANGE-REPL-ID"])
            try await eventually("it is noticed") { try redis.session().renames == 1 }
            let before = try await store.identity()
            // The name that was agreed on is lost, and a node that knows nothing of it comes first.
            _ = try await redis.send(RedisCommand("DEL", store.keys.server))
            let newcomer = try await RedisConnection.connect(redis.configuration, logger: .quiet)
            let newStore = RedisStockStore.sample(on: newcomer, namespace: store.namespace)
            let chosen = try await newStore.identity()
            #expect(chosen != before)
            #expect(try await store.identity() == chosen)
            await newcomer.close()
        }
    }
}

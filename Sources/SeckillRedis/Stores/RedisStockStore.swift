public import SeckillCore

/// Stock in Redis, shared by all nodes: one script, and so one atomic step and one round trip, for each call.
///
/// What a sale has is one hash, stamped with the identity of the server it was installed on, and one stream for each
/// epoch, its outbox. A server that restarted, was emptied, replaced or failed over does not match the stamp, or its
/// hash is gone, and the sale is unavailable until ``SeckillCore`` has rebuilt it from the ledger. So is a sale whose
/// keys somebody has meddled with. Cost: 20 to 30 µs of Redis's time for a reservation, its file included; about 400 bytes
/// an order until the next epoch.
public final class RedisStockStore: StockStore {
    let redis: RedisConnection
    let ledger: LedgerID
    let namespace: String
    let keys: RedisKeys
    let random: any RandomSource
    let clock: any SaleClock
    private let outboxLimit: Int
    private let retention: Duration
    private let signals: Signals<Restock>
    /// What this node last saw of each sale.
    let seen = Locked<[SaleID: Seen]>([:])
    /// The outboxes that workers of this node look at.
    let lanes = Locked<RedisOutbox.Lanes?>(nil)
    /// How far this node has searched them for orphans.
    let scans = Locked<[RedisOutbox.Lane: OrphanScan]>([:])
    /// What is known of the present connection.
    let agreement = Locked(Agreement())

    struct Seen: Sendable {
        var epoch = 0
        /// Its outbox is empty for good, so workers need not look at it.
        var isOver = false
    }

    /// The stock of a shop.
    /// - Parameters:
    ///   - ledger: the identity of the shop's ledger. What another ledger's shop holds is left alone.
    ///   - namespace: sets apart shops that share a server: 1 to 64 characters of `A-Z a-z 0-9 _ -`, by default the
    ///     ledger's identity.
    ///   - outboxLimit: orders of one sale that may wait for a worker.
    ///   - retention: how long the keys of a sale stay that is over and drained.
    public init(
        _ redis: RedisConnection,
        ledger: LedgerID,
        namespace: String? = nil,
        outboxLimit: Int = 1_000_000,
        retention: Duration = .seconds(7 * 86_400),
        clock: any SaleClock = .system,
        random: any RandomSource = .system
    ) {
        self.redis = redis
        self.ledger = ledger
        self.namespace = namespace ?? ledger.text
        self.outboxLimit = outboxLimit
        self.retention = retention
        self.clock = clock
        self.random = random
        keys = redis.keys(of: self.namespace)
        signals = Signals(redis, channel: keys.restocks.text)
    }

    /// The server's address, the database and the namespace, such as `redis://127.0.0.1:6379/0 namespace shop`.
    ///
    /// A host name counts as the address it stands for, and a path as the one that links lead to. Until the first attempt to
    /// connect, they are as configured.
    public var name: StoreName {
        let database = redis.configuration.database
        return switch redis.address {
        case .tcp: StoreName("redis://\(redis.address)/\(database) namespace \(namespace)")
        case .unix(let path): StoreName("unix://\(path)?db=\(database) namespace \(namespace)")
        }
    }

    /// False: asking costs a round trip.
    public var isInProcess: Bool { false }

    /// The orders that no worker has acknowledged.
    public var outbox: any OrderSource { RedisOutbox(store: self, clock: clock, retention: retention) }

    /// Process and history of the server that this node is connected to, asked again, and the ledger's identity. If they are
    /// no longer what was read on this connection, it is dropped: nodes that have connected since would refuse the stamp.
    public func identity() async throws -> StoreIdentity {
        let session = try await connect()
        var info = ServerInfo()
        for answer in try await redis.perform(ServerInfo.questions, on: session.connection) { info.read(answer) }
        let known = session.connection.server
        guard case .passed(let server?) = info.verdict, server.run == known.run, server.history == known.history else {
            if case .passed(let server?) = info.verdict, server.isRenamed(from: known) {
                // The connection knows better, with its next look.
                throw SeckillError(.unavailable, "the name of the data of Redis has just changed")
            }
            redis.suspect(session.connection)
            throw SeckillError(.unavailable, "Redis is not the server that it was")
        }
        return try await agreeAgain(on: session)
    }

    /// Gains of units on any node, heard over a connection of its own.
    public func restocks() -> AsyncStream<Restock> { signals.subscribe() }

    /// Takes a unit, in one step.
    public func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        let session = try await connect()
        var command = RedisScript.reserve.call(reserveKeys(order))
        appendReserveArguments(of: order, for: user, on: session, to: &command)
        let answer = try await run(command, for: order.sale, epoch: order.epoch, on: session.connection)
        return try reserveOutcome(answer.words(2))
    }

    /// Puts units back: one step for each return, many in one write.
    public func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        let session = try await connect()
        let commands = returns.map { unit in
            var command = RedisScript.giveBack.call([keys.stock(unit.sale)])
            command.append(session.identity.text)
            command.append(unit.epoch)
            command.append(unit.id)
            command.append(unit.units)
            command.append(unit.user?.text ?? "")
            command.append(keys.restocks)
            command.append(unit.sale.text)
            return command
        }
        var outcomes: [GiveBackOutcome] = []
        for (unit, answer) in zip(returns, try await redis.performInPieces(commands, on: session.connection)) {
            switch answer {
            case .error(let error):
                // The others were made; this one stays open in the ledger.
                _ = await failure(error, of: unit.sale, epoch: unit.epoch, on: session.connection)
                outcomes.append(.refused)
            case .bytes:
                outcomes.append(
                    answer.text == "applied" ? .applied : answer.text == "already" ? .alreadyApplied : .refused
                )
            default: throw Self.malformedReply(of: "give_back")
            }
        }
        return outcomes
    }

    /// The reservation of an order, in one read.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        let session = try await connect()
        let command = RedisCommand("HMGET", keys.stock(order.sale), "identity", "epoch", "o:" + order.text)
        let answer = try await run(command, for: order.sale, epoch: order.epoch, on: session.connection)
        guard let held = answer.array, held.count == 3, held[0].text == session.identity.text,
            held[1].integer == order.epoch
        else { return nil }
        return held[2].words(3).flatMap { Reservation(order, $0[...]) }
    }

    /// What is held for a sale. Asks twice if the sale has changed its epoch since this node last looked.
    ///
    /// Each look also puts the sale back among those that workers look at: whatever became of that list, they find the
    /// sale again.
    public func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        let session = try await connect()
        var snapshots: [StockSnapshot?] = []
        for sale in sales {
            snapshots.append(try await look(at: sale, as: session.identity, on: session.connection))
        }
        return snapshots
    }

    /// Its outbox retires the sale.
    public func retire(_ sale: SaleID, epoch: Int) async throws {}

    /// What is held for a sale, whether the store sells it or is closed. For an auditor: changes nothing in Redis,
    /// whatever is found there.
    public func inspect(_ sale: SaleID) async throws -> StockSnapshot? {
        try await look(at: sale, as: nil, on: try redis.session())
    }

    /// - Parameter identity: nil for an auditor.
    private func look(
        at sale: SaleID,
        as identity: StoreIdentity?,
        on session: RedisSession
    ) async throws -> StockSnapshot? {
        var seen = seen.withLock { $0[sale] ?? Seen() }
        var announcement = identity != nil && !seen.isOver ? [announcement(of: sale)] : []
        for _ in 1...2 {
            var command = RedisScript.snapshot.call([keys.stock(sale), keys.outbox(sale, seen.epoch)])
            command.append(identity?.text ?? "")
            command.append(seen.epoch)
            command.append(ledger.text)
            var answers = try await redis.perform(announcement + [command], on: session)
            let answer = answers.removeLast()
            if let announced = answers.first {
                // If it cannot be said now, the next look says it.
                try? await settle(announced, of: sale, on: session)
                announcement = []
            }
            if case .error(let error) = answer {
                guard identity != nil else { throw error.asSeckillError }
                throw await failure(error, of: sale, epoch: seen.epoch, on: session)
            }
            let held = answer.array ?? []
            guard let epoch = held.first?.integer else { return nil }
            let found = HeldStock(held)
            seen.epoch = epoch
            seen.isOver = found?.isOver ?? false
            self.seen.withLock { [seen] in $0[sale] = seen }
            if let found { return found.snapshot }
        }
        return nil
    }

    /// Replaces the terms by later ones.
    public func update(_ terms: SaleTerms) async throws {
        let session = try await connect()
        var command = RedisScript.update.call([keys.stock(terms.sale)])
        command.append(session.identity.text)
        command.append(terms.revision)
        command.append(terms.limitPerUser)
        command.append(Int(terms.opensAt.milliseconds))
        command.append(terms.closesAt.map { String($0.milliseconds) } ?? "")
        command.append(terms.admission.rawValue)
        _ = try await run(command, for: terms.sale, epoch: nil, on: session.connection)
    }

    // MARK: Inside the module

    func reserveKeys(_ order: OrderID) -> [RedisKey] {
        [keys.stock(order.sale), keys.outbox(order.sale, order.epoch)]
    }

    func appendReserveArguments(
        of order: OrderID,
        for user: UserID,
        on session: StampedSession,
        to command: inout RedisCommand
    ) {
        command.append(session.identity.text)
        command.append(order.text)
        command.append(user.text)
        command.append(order.epoch)
        command.append(outboxLimit)
    }

    /// What the word and the number of `reserve.lua` say; what comes behind them is another script's.
    func reserveOutcome(_ words: [String]?) throws(SeckillError) -> ReserveOutcome {
        guard let words, let number = Int(words[1]) else { throw Self.malformedReply(of: "reserve") }
        switch words[0] {
        case "reserved": return .reserved(sequence: number)
        case "known": return .alreadyReserved(sequence: number)
        case "sold-out": return .soldOut(version: number)
        case "limit": return .limitReached
        case "early": return .notOpen(opensAt: Timestamp(milliseconds: Int64(number)))
        case "paused": return .paused
        case "closed": return .closed
        case "stale": return .stale
        case "full":
            throw SeckillError(
                .overloaded,
                "\(outboxLimit) orders wait for the ledger; try again when it has caught up"
            )
        case "unavailable": throw SeckillError(.unavailable, "Redis does not hold what was installed for the sale")
        default: throw Self.malformedReply(of: "reserve")
        }
    }

    /// The outbox of a sale's epoch.
    func outboxStream(of sale: SaleID, _ epoch: Int) -> RedisStream {
        RedisStream(
            outbox: keys.outbox(sale, epoch),
            dead: keys.dead(sale),
            stock: keys.stock(sale),
            epoch: epoch
        )
    }

    /// Lets workers know that the sale has an outbox.
    func announcement(of sale: SaleID) -> RedisCommand { RedisCommand("SADD", keys.sales, sale.text) }

    /// Takes in what ``announcement(of:)`` was answered.
    func settle(_ answer: RedisValue, of sale: SaleID, on session: RedisSession) async throws {
        switch answer {
        case .integer(1):
            forgetLanes()
            // It may have been retired before its time, by a clock that ran ahead.
            _ = try await redis.perform(kept(sale).map { RedisCommand("PERSIST", $0) }, on: session)
        case .error(let error) where error.kind == "WRONGTYPE":
            // Not the list any more. The other sales are back with the next look at each.
            _ = try await redis.perform([RedisCommand("UNLINK", keys.sales), announcement(of: sale)], on: session)
        case .error(let error): throw redis.failure(error, on: session)
        default: break
        }
    }

    /// Has workers of this node look again which outboxes there are.
    func forgetLanes() { lanes.withLock { $0 = nil } }

    /// The keys that outlive a sale for a while.
    func kept(_ sale: SaleID) -> [RedisKey] {
        let epoch = seen.withLock { $0[sale]?.epoch ?? 0 }
        return [keys.stock(sale), keys.outbox(sale, epoch), keys.dead(sale)]
    }

    /// Whether a sale with these terms sells nothing more, whatever the clock of Redis does next: its operator has closed
    /// it, or its end is so long past that no clock is that wrong.
    static func isOver(_ closesAt: RedisValue, _ admission: RedisValue, at now: Timestamp) -> Bool {
        if admission.text == Admission.closed.rawValue { return true }
        guard let closesAt = closesAt.integer else { return false }
        return now >= Timestamp(milliseconds: Int64(closesAt)) + clockError
    }

    /// By how much the clock of Redis may be wrong.
    private static let clockError: Duration = .seconds(2 * 86_400)

    /// Runs a command that touches keys of one sale only, in an epoch, unless it is of none.
    func run(
        _ command: RedisCommand,
        for sale: SaleID,
        epoch: Int?,
        on session: RedisSession
    ) async throws -> RedisValue {
        do {
            return try await redis.perform(command, on: session)
        } catch let error as RedisError {
            throw await failure(error, of: sale, epoch: epoch, on: session)
        }
    }

    /// What a refusal by Redis means for a sale. Where it tells of data that are gone or damaged, the sale is closed
    /// until it is rebuilt, if it is still in that epoch: carrying on with what is there could sell units twice.
    func failure(_ error: RedisError, of sale: SaleID, epoch: Int?, on session: RedisSession) async -> SeckillError {
        if error.isOfDamagedData, let epoch {
            // Loaded once more: it may be the scripts that are gone. If even this is refused, there is no stamp to remove.
            let commands = [RedisScript.distrust.loadCommand, closing(sale, epoch)]
            _ = try? await redis.perform(commands, on: session)
        }
        return redis.failure(error, on: session)
    }

    func closing(_ sale: SaleID, _ epoch: Int) -> RedisCommand {
        var command = RedisScript.distrust.call([keys.stock(sale)])
        command.append(epoch)
        command.append(ledger.text)
        return command
    }

    static func malformedReply(of script: String) -> SeckillError {
        SeckillError(.outcomeUnknown, "unexpected reply from the Lua script \(script)")
    }
}

/// What `snapshot.lua` answers of a sale in the epoch that was asked for.
private struct HeldStock {
    let snapshot: StockSnapshot
    let isOver: Bool

    init?(_ parts: [RedisValue]) {
        let numbers = parts.prefix(8).compactMap(\.integer)
        guard parts.count == 11, numbers.count == 8, let now = parts[10].integer else { return nil }
        snapshot = StockSnapshot(
            epoch: numbers[0],
            remaining: numbers[1],
            pending: numbers[2],
            sequence: numbers[3],
            version: numbers[4],
            revision: numbers[5],
            settled: numbers[6],
            returned: numbers[7]
        )
        isOver = RedisStockStore.isOver(parts[8], parts[9], at: Timestamp(milliseconds: Int64(now)))
    }
}

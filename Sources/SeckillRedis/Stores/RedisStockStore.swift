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
    /// The names of the outboxes that hold orders.
    let waiting: RedisKey
    /// Orders and entries that no worker could record.
    let dead: RedisKey
    /// The epoch that this node last saw each sale in.
    let epochs = Locked<[SaleID: Int]>([:])
    /// How far this node has searched the outboxes for orders to take over.
    let takeOverScan = Locked(RedisOutbox.TakeOverScan())
    /// What is known of the present connection.
    let agreement = Locked(Agreement())

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
        waiting = keys.waiting(ledger)
        dead = keys.dead(ledger)
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
    public var outbox: any OrderSource { RedisOutbox(store: self, clock: clock) }

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

    /// Gains of units on any node, heard over the node's connection for messages.
    public func restocks() -> AsyncStream<Restock> {
        redis.subscriptions.subscribe(to: keys.restocks) { Restock(message: $0).map { [$0] } ?? [] }
    }

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

    /// What is held for some sales: a script for each, many in one write, and again for those that have changed their epoch
    /// since this node last looked.
    ///
    /// Each look also has workers told of the sale's orders, whatever became of what they were told before.
    public func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        let session = try await connect()
        return try await look(at: sales, as: session.identity, on: session.connection)
    }

    /// What is held for a sale, whether the store sells it or is closed. For an auditor: changes nothing in Redis,
    /// whatever is found there.
    public func inspect(_ sale: SaleID) async throws -> StockSnapshot? {
        try await look(at: [sale], as: nil, on: try redis.session())[0]
    }

    /// - Parameter identity: nil for an auditor.
    private func look(
        at sales: [SaleID],
        as identity: StoreIdentity?,
        on session: RedisSession
    ) async throws -> [StockSnapshot?] {
        var snapshots: [StockSnapshot?] = Array(repeating: nil, count: sales.count)
        var unknown = Array(sales.indices)
        for _ in 1...2 where !unknown.isEmpty {
            let epochs = epochs.withLock { epochs in unknown.map { epochs[sales[$0]] ?? 0 } }
            let questions = zip(unknown, epochs).map { snapshotCommand(of: sales[$0], epoch: $1, as: identity) }
            let answers = try await redis.performInPieces(questions, on: session)
            var changed: [Int] = []
            for (index, (asked, answer)) in zip(unknown, zip(epochs, answers)) {
                if case .error(let error) = answer {
                    guard identity != nil else { throw error.asSeckillError }
                    let failure = await failure(error, of: sales[index], epoch: asked, on: session)
                    // What is damaged is this sale's, and the others are told all the same.
                    guard error.isOfDamagedData, !error.isOfAnotherServer else { throw failure }
                    continue
                }
                let held = answer.array ?? []
                snapshots[index] = StockSnapshot(held)
                guard let epoch = held.first?.integer, epoch != asked else { continue }
                self.epochs.withLock { $0[sales[index]] = epoch }
                changed.append(index)
            }
            unknown = changed
        }
        return snapshots
    }

    private func snapshotCommand(of sale: SaleID, epoch: Int, as identity: StoreIdentity?) -> RedisCommand {
        let outbox = [keys.stock(sale), keys.outbox(sale, epoch)]
        var command = RedisScript.snapshot.call(identity == nil ? outbox : outbox + [waiting])
        command.append(identity?.text ?? "")
        command.append(epoch)
        command.append(ledger.text)
        command.append(RedisOutbox.Lane(sale: sale, epoch: epoch).name)
        return command
    }

    /// Has the keys of a sale that is over and drained run out. Those that run out already do not stay for longer.
    public func retire(_ sale: SaleID, epoch: Int) async throws {
        var command = RedisScript.retire.call([keys.stock(sale), keys.outbox(sale, epoch)])
        command.append(epoch)
        command.append(ledger.text)
        command.append(retention.asLifetime)
        _ = try await run(command, for: sale, epoch: nil, on: try redis.session())
        epochs.withLock { $0[sale] = nil }
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
        [keys.stock(order.sale), keys.outbox(order.sale, order.epoch), waiting]
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
            named: RedisOutbox.Lane(sale: sale, epoch: epoch).name,
            dead: dead,
            stock: keys.stock(sale),
            waiting: waiting
        )
    }

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

extension StockSnapshot {
    /// What `snapshot.lua` answers of a sale in the epoch that was asked for.
    fileprivate init?(_ parts: [RedisValue]) {
        let numbers = parts.compactMap(\.integer)
        guard parts.count == 8, numbers.count == 8 else { return nil }
        self.init(
            epoch: numbers[0],
            remaining: numbers[1],
            pending: numbers[2],
            sequence: numbers[3],
            version: numbers[4],
            revision: numbers[5],
            settled: numbers[6],
            returned: numbers[7]
        )
    }
}

extension Restock {
    /// Reads `sale version`.
    init?(message: [UInt8]) {
        let words = String(decoding: message, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let sale = SaleID(words[0]), let version = Int(words[1]),
            // A number beyond it is no version, and would be later than every other for ever.
            (0...StockSnapshot.firstVersion(of: StockSnapshot.maxEpoch + 1)).contains(version)
        else { return nil }
        self.init(sale: sale, version: version)
    }
}

public import SeckillCore

extension RedisStockStore {
    /// Compares and claims in one script.
    public func claim(
        _ record: SaleRecord,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        let session = try await connect()
        let sale = record.sale.id
        guard session.identity == identity else { return .busy }
        let token = Base64URL.encode(random.bytes(12))
        do {
            return try await claim(record, lifetime: lifetime, by: token, on: session)
        } catch {
            // Or the sale would be shut until the claim has run out: it may have been made.
            try? await abandon(token, of: sale, on: session.connection)
            throw error
        }
    }

    private func claim(
        _ record: SaleRecord,
        lifetime: Duration,
        by token: String,
        on session: StampedSession
    ) async throws -> ClaimOutcome {
        let sale = record.sale.id
        var command = RedisScript.claim.call([keys.stock(sale), keys.claim(sale), keys.outbox(sale, record.epoch)])
        command.append(session.identity.text)
        command.append(ledger.text)
        for number in [
            record.epoch, record.sequence, record.recorded, record.orders, record.installed, record.restoredEpoch,
        ] {
            command.append(number)
        }
        command.append(token)
        command.append(max(1, lifetime.asLifetime))
        let answer = try await run(command, for: sale, epoch: record.epoch, on: session.connection).array ?? []
        switch (answer.first?.text, answer.count) {
        case ("current", _): return .current
        case ("busy", _): return .busy
        case ("foreign", 2):
            if let owner = answer[1].text.flatMap({ LedgerID($0) }) { return .foreign(owner) }
        case ("ahead", 3):
            if let epoch = answer[1].integer, let orders = answer[2].integer {
                return .ahead(epoch: epoch, orders: orders)
            }
        case ("claimed", 2):
            if let epoch = answer[1].integer {
                return .claimed(StockClaim(sale: sale, token: token, identity: session.identity, epoch: epoch))
            }
        default: break
        }
        throw Self.malformedReply(of: "claim")
    }

    /// One script.
    public func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        let session = try await connect()
        guard session.identity == claim.identity else { return false }
        var command = RedisScript.renew.call([keys.claim(claim.sale)])
        command.append(claim.token)
        command.append(max(1, lifetime.asLifetime))
        return try await run(command, for: claim.sale, epoch: nil, on: session.connection) == .integer(1)
    }

    /// Reads one range of the stream, entries that consumers hold included. Entries that cannot be read are dead-lettered,
    /// because the install wipes what stays.
    public func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        let session = try await connect()
        // What was replaced has no outbox of this claim's any more.
        guard session.identity == claim.identity, claim.epoch > 0, limit > 0 else { return DrainPage([], next: nil) }
        let outbox = outboxStream(of: claim.sale, claim.epoch)
        let start = cursor.map { "(" + $0 } ?? "-"
        let entries: [RedisValue]
        do {
            let page = RedisCommand("XRANGE", outbox.key, start, "+", "COUNT", "\(limit)")
            entries = try await redis.perform(page, on: session.connection).array ?? []
        } catch let error as RedisError {
            // Something else is there, and nothing to drain.
            if error.cause == "WRONGTYPE" { return DrainPage([], next: nil) }
            throw await failure(error, of: claim.sale, epoch: claim.epoch, on: session.connection)
        }
        var page = DrainPage([], next: nil)
        for entry in entries {
            guard let entry = StreamEntry(entry) else { throw Self.malformedReply(of: "XRANGE") }
            switch entry.content {
            case .reservation(let reservation): page.reservations.append(reservation)
            case .unreadable(let what):
                let command = outbox.deadLetter(entry, because: "unreadable: \(what)")
                _ = try await run(command, for: claim.sale, epoch: claim.epoch, on: session.connection)
            }
            page.next = entry.id
        }
        if entries.count < limit { page.next = nil }
        return page
    }

    /// Prepares the users' live orders beside the sale, some thousands with each script, and exchanges them in one short one.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try StockSnapshot.check(epoch: stock.epoch)
        let session = try await connect()
        guard session.identity == claim.identity else { return false }
        guard try await stage(stock.held, under: claim, on: session.connection) else { return false }
        let terms = stock.terms
        let sale = claim.sale
        var command = RedisScript.install.call([
            keys.stock(sale), keys.claim(sale), keys.outbox(sale, stock.epoch), keys.staged(sale, claim.token),
            keys.outbox(sale, claim.epoch), waiting,
        ])
        command.append(claim.token)
        command.append(session.identity.text)
        command.append(ledger.text)
        command.append(stock.epoch)
        command.append(stock.remaining)
        command.append(stock.orders)
        command.append(StockSnapshot.firstVersion(of: stock.epoch))
        command.append(terms.revision)
        command.append(terms.limitPerUser)
        command.append(Int(terms.opensAt.milliseconds))
        command.append(terms.closesAt.map { String($0.milliseconds) } ?? "")
        command.append(terms.admission.rawValue)
        command.append(stock.held.count)
        command.append(keys.restocks)
        command.append(sale.text)
        command.append(claim.epoch)
        let answer = try await run(command, for: sale, epoch: nil, on: session.connection)
        guard answer == .integer(1) else { return false }
        epochs.withLock { $0[sale] = stock.epoch }
        return true
    }

    /// False if the claim is over. What was prepared by then runs out by itself.
    private func stage(_ held: [UserID: Int], under claim: StockClaim, on session: RedisSession) async throws -> Bool {
        var users = held.makeIterator()
        for start in stride(from: 0, to: held.count, by: Self.stagedAtOnce) {
            var command = RedisScript.stage.call([keys.claim(claim.sale), keys.staged(claim.sale, claim.token)])
            command.append(claim.token)
            command.append(Self.stagedLifetime.asLifetime)
            for _ in start..<min(start + Self.stagedAtOnce, held.count) {
                guard let (user, live) = users.next() else { break }
                command.append("u:" + user.text)
                command.append(live)
            }
            guard try await run(command, for: claim.sale, epoch: nil, on: session) == .integer(1) else { return false }
        }
        return true
    }

    /// A few milliseconds of Redis's time, and far fewer arguments than Lua hands on.
    private static let stagedAtOnce = 1000
    private static let stagedLifetime: Duration = .seconds(60)

    /// A scan of the sale's hash, which also passes its users.
    public func orderKeys(
        of sale: SaleID,
        epoch: Int,
        after cursor: String?,
        limit: Int
    ) async throws -> OrderKeyPage {
        let session = try await connect()
        let stock = keys.stock(sale)
        let scan = RedisCommand("HSCAN", stock, cursor ?? "0", "MATCH", "o:*", "COUNT", "\(max(1, limit))")
        let answers = try await redis.perform([RedisCommand("HGET", stock, "epoch"), scan], on: session.connection)
        for case .error(let error) in answers {
            throw await failure(error, of: sale, epoch: epoch, on: session.connection)
        }
        guard answers[0].integer == epoch else { return OrderKeyPage([], next: nil) }
        guard let answer = answers[1].array, answer.count == 2, let next = answer[0].text, let fields = answer[1].array
        else { throw Self.malformedReply(of: "HSCAN") }
        let orders = stride(from: 0, to: fields.count, by: 2).compactMap { index in
            fields[index].text.flatMap { OrderID($0.dropFirst(2)) }
        }
        return OrderKeyPage(orders.filter { $0.epoch == epoch }.map(\.key), next: next == "0" ? nil : next)
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws {
        try await abandon(claim.token, of: claim.sale, on: try redis.session())
    }

    /// Sent even by a caller who is cancelled, for whom it is most often called.
    private func abandon(_ token: String, of sale: SaleID, on session: RedisSession) async throws {
        var command = RedisScript.abandon.call([keys.claim(sale)])
        command.append(token)
        do {
            _ = try await redis.perform(command, on: session, toTheEnd: true)
        } catch let error as RedisError {
            throw await failure(error, of: sale, epoch: nil, on: session)
        }
    }

    /// Closes a sale.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        _ = try await run(closing(sale, epoch), for: sale, epoch: nil, on: try redis.session())
    }
}

public import SeckillCore

extension RedisStockStore {
    /// Claims a sale and takes its outbox.
    public func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        let session = try redis.session()
        guard session.identity == identity else { return .busy }
        // Before there can be an outbox, so that no worker overlooks it.
        let announced = try await redis.perform([announcement(of: sale)], on: session)
        try await settle(announced[0], of: sale, on: session)
        let token = Base64URL.encode(random.bytes(12))
        do {
            return try await claim(sale, epoch: epoch, sequence: sequence, lifetime: lifetime, by: token, on: session)
        } catch {
            // Or the sale would be shut until the claim has run out: it may have been made.
            try? await abandon(token, of: sale, on: session)
            throw error
        }
    }

    private func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        lifetime: Duration,
        by token: String,
        on session: RedisSession
    ) async throws -> ClaimOutcome {
        let outbox = RedisStream(
            outbox: keys.outbox(sale, epoch),
            dead: keys.dead(sale),
            stock: keys.stock(sale),
            epoch: epoch
        )
        var command = RedisScript.claim.call([keys.stock(sale), keys.claim(sale), outbox.key])
        command.append(session.identity.text)
        command.append(epoch)
        command.append(sequence)
        command.append(token)
        command.append(Int(max(1, lifetime.milliseconds)))
        let answer = try await run(command, for: sale, on: session).array ?? []
        switch answer.first?.text {
        case "current": return .current
        case "busy": return .busy
        case "claimed" where answer.count == 3: break
        default: throw Self.odd("claim")
        }
        // The install wipes the outbox of every epoch that the claim has seen.
        let claim = StockClaim(
            sale: sale,
            token: "\(token).\(epoch).\(answer[1].integer ?? 0)",
            identity: session.identity
        )
        let drained = answer[2] == .integer(1) ? try await drain(outbox, of: sale, on: session) : []
        return .claimed(claim, drained: drained)
    }

    /// All that is in an outbox, whoever holds it. Not in one answer: Redis would do nothing else meanwhile. Nothing is
    /// appended once the sale is claimed, so no page is out of date but for what is acknowledged. If the claim runs out
    /// meanwhile, its install is refused.
    private func drain(
        _ outbox: RedisStream,
        of sale: SaleID,
        on session: RedisSession
    ) async throws -> [Reservation] {
        var drained: [Reservation] = []
        var start = "-"
        while true {
            let page = RedisCommand("XRANGE", outbox.key, start, "+", "COUNT", "\(Self.page)")
            let entries = try await run(page, for: sale, on: session).array ?? []
            for entry in entries {
                guard let entry = StreamEntry(entry) else { throw Self.odd("claim") }
                start = "(" + entry.id
                switch entry.content {
                case .reservation(let reservation): drained.append(reservation)
                case .unreadable(let what):
                    // Aside, for the install wipes what stays.
                    _ = try await run(outbox.deadLetter(entry, because: "unreadable: \(what)"), for: sale, on: session)
                }
            }
            if entries.count < Self.page { return drained }
        }
    }

    private static let page = 1000

    /// Wipes a sale and writes what the ledger says.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        let session = try redis.session()
        let parts = claim.token.split(separator: ".")
        guard session.identity == claim.identity, parts.count == 3 else { return false }
        let terms = stock.terms
        let sale = terms.sale
        let over = Set(parts.dropFirst().compactMap { Int($0) }).subtracting([stock.epoch]).sorted()
        var command = RedisScript.install.call(
            [keys.stock(sale), keys.claim(sale), keys.outbox(sale, stock.epoch)] + over.map { keys.outbox(sale, $0) }
        )
        command.append(String(parts[0]))
        command.append(session.identity.text)
        command.append(stock.epoch)
        command.append(stock.remaining)
        command.append(StockSnapshot.firstVersion(of: stock.epoch))
        command.append(terms.revision)
        command.append(terms.limitPerUser)
        command.append(Int(terms.opensAt.milliseconds))
        command.append(terms.closesAt.map { String($0.milliseconds) } ?? "")
        command.append(terms.admission.rawValue)
        // Lines, for an argument each would be more than Redis takes; no user holds a line break.
        command.append(stock.held.map { "\($0.key.text)\n\($0.value)\n" }.joined())
        let isInstalled = try await run(command, for: sale, on: session).integer == 1
        if isInstalled {
            seen.withLock { $0[sale] = Seen(epoch: stock.epoch) }
            forgetLanes()
        }
        return isInstalled
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws {
        let session = try redis.session()
        guard session.identity == claim.identity, let token = claim.token.split(separator: ".").first else { return }
        try await abandon(String(token), of: claim.sale, on: session)
    }

    /// Sent even by a caller who is cancelled, for whom it is most often called.
    private func abandon(_ token: String, of sale: SaleID, on session: RedisSession) async throws {
        var command = RedisScript.abandon.call([keys.claim(sale)])
        command.append(token)
        do {
            _ = try await redis.perform(command, on: session, toTheEnd: true)
        } catch let error as RedisError {
            throw await failure(error, of: sale, on: session)
        }
    }

    /// Stops vouching for a sale.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        var command = RedisScript.distrust.call([keys.stock(sale)])
        command.append(epoch)
        _ = try await run(command, for: sale, on: try redis.session())
    }
}

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
        let outbox = keys.outbox(sale, epoch)
        var command = RedisScript.claim.call([keys.stock(sale), keys.claim(sale), outbox])
        command.append(identity.text)
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
            identity: identity
        )
        var drained: [Reservation] = []
        for entry in answer[2].array ?? [] {
            guard let entry = StreamEntry(entry) else { continue }
            switch entry.content {
            case .reservation(let reservation): drained.append(reservation)
            case .unreadable(let what):
                // Aside, for the install wipes what stays.
                let stream = RedisStream(outbox: outbox, dead: keys.dead(sale), stock: keys.stock(sale), epoch: epoch)
                _ = try await run(stream.deadLetter(entry, because: "unreadable: \(what)"), for: sale, on: session)
            }
        }
        return .claimed(claim, drained: drained)
    }

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
        if isInstalled { seen.withLock { $0[sale] = Seen(epoch: stock.epoch) } }
        return isInstalled
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws {
        let session = try redis.session()
        guard session.identity == claim.identity, let token = claim.token.split(separator: ".").first else { return }
        var command = RedisScript.abandon.call([keys.claim(claim.sale)])
        command.append(String(token))
        _ = try await run(command, for: claim.sale, on: session)
    }

    /// Stops vouching for a sale.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        var command = RedisScript.distrust.call([keys.stock(sale)])
        command.append(epoch)
        _ = try await run(command, for: sale, on: try redis.session())
    }
}

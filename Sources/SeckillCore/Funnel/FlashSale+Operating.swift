internal import Logging

extension FlashSale {
    /// Adds a sale and installs its stock. The same declaration again changes nothing.
    ///
    /// Returns once the ledger has it. If the stock store does not answer just then, the sale is `rebuilding` until
    /// the reconciler reaches it.
    public func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        let outcome = try await ledger.create(sale)
        switch outcome {
        case .conflict: return outcome
        case .created(let record), .existing(let record): catalog.learn(record)
        }
        do {
            try await install(sale.id)
        } catch {
            logger.warning("stock not installed yet", metadata: ["seckill.sale": "\(sale.id)", "error": "\(error)"])
        }
        try await look(at: sale.id)
        return outcome
    }

    /// Installs the stock of a sale, or waits until another rebuild has: a second at most.
    private func install(_ sale: SaleID) async throws {
        for _ in 1...100 {
            switch try await rebuild.ensure(sale) {
            case .current, .rebuilt, .refused: return
            case .failed(let error): throw error
            case .busy: try await clock.sleep(for: .milliseconds(10))
            }
        }
        throw SeckillError(.unavailable, "another rebuild of the sale is under way")
    }

    /// Turns the operator's switch, in the ledger first and then in the store. Nil if there is no such sale. Closing is
    /// for ever; opening a closed sale leaves it closed.
    public func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleStatus? {
        guard let record = try await ledger.setAdmission(admission, of: sale) else { return nil }
        catalog.learn(record)
        do {
            try await stock.update(record.terms)
        } catch {
            // The ledger has it, and the reconciler brings it to the store.
            logger.warning("terms not updated yet", metadata: ["seckill.sale": "\(sale)", "error": "\(error)"])
        }
        return try await look(at: sale)
    }

    /// Adds units to a sale. Nil if there is no such sale.
    ///
    /// - Parameter id: makes a repeat harmless, after an unknown outcome for instance: one id of a sale adds units once.
    ///   1 to 64 visible ASCII characters; nil for an id of its own, which adds units at each call.
    /// - Throws: ``SeckillError``: `invalid` for such an id, or units that are out of range.
    public func restock(_ sale: SaleID, adding units: Int, id: String? = nil) async throws -> SaleStatus? {
        if let id {
            guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw SeckillError(.invalid, "the id of a restock must be 1 to 64 visible ASCII characters")
            }
        }
        // Orders give units back under their own ids, which do not begin like this: a sale's id has no dot.
        let id = "restock." + (id ?? Base64URL.encode(random.bytes(12)))
        guard let record = try await ledger.restock(sale, adding: units, id: id) else { return nil }
        catalog.learn(record)
        do {
            try await returns.applyAll()
        } catch {
            // The ledger has it, and the returns service brings it to the store.
            logger.warning("restock not applied yet", metadata: ["seckill.sale": "\(sale)", "error": "\(error)"])
        }
        return try await look(at: sale)
    }

    /// Up to `limit` sales by id, from behind `sale`, or from the first one, as anybody may see them.
    ///
    /// **Cost**: while ``run()`` is running, the stock is as this node last saw it: within a sweep for a sale in which
    /// anything happens. Otherwise, and where the store is in this process, it is read for all of them in one call.
    public func sales(after sale: SaleID? = nil, limit: Int = 100) async throws -> [SaleStatus] {
        let records = try await catalog.page(after: sale, limit: limit)
        let now = clock.now
        let ids = records.map(\.sale.id)
        let seen = stock.isInProcess || !isSweeping ? [] : board.statuses(of: ids)
        var snapshots = Dictionary(uniqueKeysWithValues: seen.map { ($0.record.sale.id, $0.stock) })
        let unseen = ids.filter { snapshots[$0] == nil }
        for (sale, snapshot) in zip(unseen, (try? await stock.snapshots(of: unseen)) ?? []) {
            snapshots[sale] = .some(snapshot)
        }
        return records.map { SaleStatus($0, snapshots[$0.sale.id] ?? nil, at: now) }
    }

    /// Sales as the last sweep of ``run()`` saw them, for metrics: those in `sales`, or else up to `limit` that are not over,
    /// those first that changed last. Asks neither the ledger nor the stock store.
    public func activity(of sales: [SaleID]? = nil, limit: Int = 100) -> [SaleStatus] {
        let limit = max(0, limit)
        let statuses = sales.map { board.statuses(of: Array($0.prefix(limit))) } ?? board.latest(limit)
        return statuses.map { SaleStatus(catalog[$0.record.sale.id] ?? $0.record, $0.stock, at: $0.seenAt) }
    }

    /// One sale as anybody may see it. Nil if there is no such sale.
    public func status(of sale: SaleID) async throws -> SaleStatus? {
        guard let record = try await catalog.record(of: sale) else { return nil }
        return await status(of: record)
    }

    /// One sale as its operator may see it. Nil if there is no such sale.
    public func report(of sale: SaleID) async throws -> SaleReport? {
        guard let record = try await ledger.sale(sale) else { return nil }
        return SaleReport(status: await status(of: record), totals: record.totals)
    }

    /// The sale's rejected orders, latest first, at most 50; nil if the ledger is no ``RejectionRegister``.
    public func rejections(of sale: SaleID) async throws -> [Order]? {
        try await (ledger as? any RejectionRegister)?.rejections(of: sale, limit: 50)
    }

    /// How many reservations wait for the ledger, and for how long, as the store says it now; the gauges are told.
    public func backlog() async throws -> QueueDepth {
        let depth = try await stock.outbox.depth()
        metrics.observe(depth)
        return depth
    }

    /// Whether this node can answer purchases, and what is wrong with which sale, as the last sweep of ``run()`` found it.
    /// Asks neither the ledger nor the stock store.
    public func readiness() -> Readiness { health.readiness(at: clock.uptime, patience: sweepPatience) }

    /// Whether what this node remembers of the sales is kept up to date.
    private var isSweeping: Bool { health.isKept(at: clock.uptime, patience: sweepPatience) }

    private var sweepPatience: Duration { max(.seconds(5), configuration.sweep * 4) }

    // MARK: Which store holds the sales

    /// The sales that are not over and that the ledger gives to another store than this one.
    ///
    /// Servers should look before they serve: while any is listed, this node does not sell it.
    public func heldElsewhere() async throws -> [SaleID: StoreName] {
        let others = try await ledger.sales().records.filter { !$0.isClosed(at: clock.now) && $0.holder != stock.name }
        return Dictionary(
            uniqueKeysWithValues: others.compactMap { record in record.holder.map { (record.sale.id, $0) } }
        )
    }

    /// Makes this store the holder of every sale that another store holds. The act of an operator, who says that the other
    /// store is out of use.
    ///
    /// Orders that the other store has answered and that are in the ledger stay as they are. Those that it has answered
    /// and that are not recorded when this store begins its first epoch become `rejected`, because `lost`. Links of
    /// before stop selling.
    /// - Returns: the sales taken over, by id.
    @discardableResult
    public func takeOver() async throws -> [SaleID] {
        var taken: [SaleID] = []
        for record in try await ledger.sales().records where record.holder != nil && record.holder != stock.name {
            let (sale, number) = (record.sale.id, record.takeover + 1)
            guard try await ledger.transfer(sale, to: stock.name, takeover: number)?.holder == stock.name else {
                throw SeckillError(.unavailable, "another store was named the holder of \(sale) at the same moment")
            }
            logger.notice(
                "sale taken over",
                metadata: [
                    "seckill.sale": "\(sale)", "seckill.from": "\(record.holder?.text ?? "nobody")",
                    "seckill.to": "\(stock.name)", "seckill.takeover": "\(number)",
                ]
            )
            taken.append(sale)
        }
        return taken
    }

    /// Gives up every sale that this store holds, so that another may hold it: the orderly end of a store that only this
    /// process uses. Call it when ``run()`` has returned and nothing is sold through the store any more.
    ///
    /// Nothing changes until another store begins an epoch: this one may also take its sales again. A sale of which
    /// orders are still queued is kept, because only this store knows them.
    public func releaseSales() async throws {
        for record in try await ledger.sales().records where record.holder == stock.name {
            let (sale, number) = (record.sale.id, record.takeover + 1)
            guard let snapshot = try? await stock.snapshot(of: sale), snapshot.pending == 0 else {
                logger.notice(
                    "sale kept by its store: it is not known to be empty",
                    metadata: ["seckill.sale": "\(sale)"]
                )
                continue
            }
            _ = try await ledger.transfer(sale, to: nil, takeover: number)
        }
    }

    private func status(of record: SaleRecord) async -> SaleStatus {
        SaleStatus(record, try? await stock.snapshot(of: record.sale.id), at: clock.now)
    }

    /// Reads the sale as it is now, and tells listeners if it looks different.
    @discardableResult
    func look(at sale: SaleID) async throws -> SaleStatus? {
        let status = try await status(of: sale)
        if let status {
            board.show(status)
            if status.state == .closed { health.forget(sale) }
        }
        return status
    }
}

extension SaleStatus {
    init(_ record: SaleRecord, _ snapshot: StockSnapshot?, at now: Timestamp) {
        let state: State =
            if record.isClosed(at: now) {
                .closed
            } else if record.admission == .paused {
                .paused
            } else if snapshot == nil {
                .rebuilding
            } else if now < record.sale.opensAt {
                .scheduled
            } else if snapshot?.remaining == 0 {
                .soldOut
            } else {
                .open
            }
        self.init(record: record, stock: snapshot, state: state, seenAt: now)
    }
}

extension SaleRecord {
    /// By how much a clock may be wrong.
    private static let clockError: Duration = .seconds(2 * 86_400)

    func isClosed(at now: Timestamp) -> Bool {
        admission == .closed || sale.closesAt.map { now >= $0 } ?? false
    }

    /// Whether the sale will never sell again, whatever a clock does next: its operator has closed it, or its end is long
    /// past.
    func isOver(at now: Timestamp) -> Bool {
        admission == .closed || sale.closesAt.map { now >= $0 + Self.clockError } ?? false
    }

    /// Whether the sale is over and no store holds it: all its orders are in the ledger.
    func isRetired(at now: Timestamp) -> Bool { holder == nil && isOver(at: now) }
}

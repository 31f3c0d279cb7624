internal import Logging

extension FlashSale {
    /// Adds a sale and installs its stock. The same declaration again changes nothing.
    ///
    /// Returns once the ledger has it. If the stock store does not answer just then, the sale is `rebuilding` until
    /// the reconciler reaches it.
    public func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        let outcome = try await ledger.create(sale)
        if case .conflict = outcome { return outcome }
        try await catalog.refresh()
        do {
            _ = try await rebuild.ensure(sale.id)
        } catch {
            logger.warning("stock not installed yet", metadata: ["seckill.sale": "\(sale.id)", "error": "\(error)"])
        }
        try await look(at: sale.id)
        return outcome
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
    public func restock(_ sale: SaleID, adding units: Int) async throws -> SaleStatus? {
        let id = "restock." + Base64URL.encode(random.bytes(12))
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

    /// All sales, by id, as anybody may see them.
    public func sales() async throws -> [SaleStatus] {
        var all: [SaleStatus] = []
        for record in try await catalog.all() { all.append(await status(of: record)) }
        return all
    }

    /// One sale as anybody may see it. Nil if there is no such sale.
    public func status(of sale: SaleID) async throws -> SaleStatus? {
        guard let record = try await catalog.record(of: sale) else { return nil }
        return await status(of: record)
    }

    /// One sale as its operator may see it. Nil if there is no such sale.
    public func report(of sale: SaleID) async throws -> SaleReport? {
        guard let record = try await ledger.sale(sale), let totals = try await ledger.totals(of: sale) else {
            return nil
        }
        return SaleReport(status: await status(of: record), totals: totals)
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

    /// Whether purchases can be answered: ledger and stock store reachable, and every sale that sells installed.
    public func isReady() async -> Bool {
        do {
            for record in try await ledger.sales() where !record.isClosed(at: clock.now) {
                guard let snapshot = try await stock.snapshot(of: record.sale.id), snapshot.epoch == record.epoch else {
                    return false
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func status(of record: SaleRecord) async -> SaleStatus {
        SaleStatus(record, try? await stock.snapshot(of: record.sale.id), at: clock.now)
    }

    /// The sale as it is now, which whoever listens for changes is told as well.
    @discardableResult
    func look(at sale: SaleID) async throws -> SaleStatus? {
        let status = try await status(of: sale)
        if let status { board.show(status) }
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
    func isClosed(at now: Timestamp) -> Bool {
        admission == .closed || sale.closesAt.map { now >= $0 } ?? false
    }
}

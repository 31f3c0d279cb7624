internal import SeckillCore

/// Rebuilds stock from a journal's entries.
struct StockReplay: Sendable {
    private(set) var sales: [SaleID: SaleStock] = [:]
    /// The ledger that the journal belongs to; nil if it is from before journals said so.
    private(set) var ledger: LedgerID?
    /// The sale that the file is in the middle of describing.
    private var begun: SaleID?
    /// Sales that are to be installed, if the file goes on to say so.
    private var staged: [SaleID: SaleStock] = [:]
    /// Sales that were last described by ``StockEntry/sale``.
    private var incomplete: Set<SaleID> = []

    /// Applies the entries of one frame. How many there were.
    mutating func apply(_ body: inout ByteReader) throws(ByteReader.Malformed) -> Int {
        var count = 0
        while !body.isAtEnd {
            try applyEntry(&body)
            count += 1
        }
        return count
    }

    // Every entry must be one that a store can have written where it stands. Anything else is damage, whatever its
    // checksum says, and is refused before it gets into arithmetic or an index.

    private mutating func applyEntry(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        guard let entry = StockEntry(rawValue: try body.byte()) else { throw ByteReader.Malformed() }
        switch entry {
        case .ledger: try applyLedger(&body)
        case .sale, .stock: try applyDescription(&body, entry)
        case .stage:
            let stock = try body.stock()
            staged[stock.terms.sale] = stock
        case .stagedUsers:
            let sale = try body.sale()
            try forEach(&body) { body, replay throws(ByteReader.Malformed) in
                let (user, live) = try body.holder()
                // A compaction that began in between has dropped what these users belong to. They are staged again.
                return replay.staged.with(sale) { $0.restoreUser(user, live: live) } ?? true
            }
        case .installed: try applyInstalled(&body)
        case .users:
            try forEach(&body) { body, replay throws(ByteReader.Malformed) in
                let (user, live) = try body.holder()
                return replay.withBegun { $0.restoreUser(user, live: live) }
            }
        case .orders: try applyOrders(&body)
        case .returns:
            try forEach(&body) { body, replay throws(ByteReader.Malformed) in
                let id = try body.blob()
                return replay.withBegun { $0.restoreReturn(id) }
            }
        case .reservation: try applyReservation(&body)
        case .giveBack:
            let units = try body.units()
            try apply(to: units.sale) { $0.giveBack(units) == .applied }
        case .terms:
            let terms = try body.terms()
            try apply(to: terms.sale) { stock in
                stock.update(terms)
                return true
            }
        case .distrust:
            let sale = try body.sale()
            let epoch = try body.epoch()
            try apply(to: sale) { stock in
                guard stock.epoch == epoch else { return false }
                stock.isTrusted = false
                return true
            }
        case .retired:
            let sale = try body.sale()
            let epoch = try body.epoch()
            guard let stock = sales.removeValue(forKey: sale), stock.epoch == epoch else {
                throw ByteReader.Malformed()
            }
            incomplete.remove(sale)
        case .settled: try applySettled(&body)
        }
    }

    /// Changes a sale that the file has described; `change` returns false if the sale as it is does not allow it.
    private mutating func apply(
        to sale: SaleID,
        _ change: (inout SaleStock) -> Bool
    ) throws(ByteReader.Malformed) {
        guard sales.with(sale, change) == true else { throw ByteReader.Malformed() }
    }

    private mutating func applyLedger(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        guard let named = LedgerID(try body.text()), ledger == nil || ledger == named else {
            throw ByteReader.Malformed()
        }
        ledger = named
    }

    private mutating func applyDescription(
        _ body: inout ByteReader,
        _ entry: StockEntry
    ) throws(ByteReader.Malformed) {
        let stock: SaleStock
        if entry == .stock {
            stock = try body.stock()
            incomplete.remove(stock.terms.sale)
        } else {
            stock = try body.earlierStock()
            incomplete.insert(stock.terms.sale)
        }
        sales[stock.terms.sale] = stock
        begun = stock.terms.sale
    }

    private mutating func applyInstalled(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let sale = try body.sale()
        let epoch = try body.epoch()
        guard let stock = staged.removeValue(forKey: sale), stock.epoch == epoch, sales[sale]?.epoch ?? -1 < epoch
        else {
            throw ByteReader.Malformed()
        }
        sales[sale] = stock
        incomplete.remove(sale)
    }

    private mutating func applyOrders(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        var moment: Int64 = 0
        try forEach(&body) { body, replay throws(ByteReader.Malformed) in
            let own = try body.blob()
            guard let user = UInt32(exactly: try body.varint()) else { throw ByteReader.Malformed() }
            let (next, overflows) = moment.addingReportingOverflow(try body.signed())
            let flags = try body.byte()
            guard !overflows, flags <= 3 else { throw ByteReader.Malformed() }
            moment = next
            let row = SaleOrders.Row(
                user: user,
                reservedAt: Timestamp(milliseconds: moment),
                isSettled: flags & 1 != 0,
                isReturned: flags & 2 != 0
            )
            return replay.withBegun { $0.restoreOrder(own, row) }
        }
    }

    /// Works on the sale that the file is in the middle of describing; nil if there is none.
    private mutating func withBegun(_ change: (inout SaleStock) -> Bool) -> Bool? {
        begun.flatMap { sales.with($0, change) }
    }

    /// Applies the items of one entry; `item` returns true for one that can be where it stands.
    private mutating func forEach(
        _ body: inout ByteReader,
        _ item: (inout ByteReader, inout StockReplay) throws(ByteReader.Malformed) -> Bool?
    ) throws(ByteReader.Malformed) {
        // However large the count is, the body ends before long.
        for _ in 0..<(try body.count()) {
            guard try item(&body, &self) == true else { throw ByteReader.Malformed() }
        }
    }

    private mutating func applyReservation(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let order = try body.blob()
        let user = try body.blob()
        let sequence = try body.count()
        let moment = try body.moment()
        let name = String(decoding: order.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
        guard let sale = SaleID(name) else { throw ByteReader.Malformed() }
        try apply(to: sale) { $0.restoreReservation(order, for: user, sequence: sequence, at: moment) }
    }

    private mutating func applySettled(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let sale = try body.sale()
        let epoch = try body.epoch()
        let aside = try body.flag()
        let count = try body.count()
        for _ in 0..<count {
            let sequence = try body.count()
            try apply(to: sale) { $0.epoch == epoch && $0.settle(sequence, aside: aside) }
        }
    }

    /// What a file that may lack something must say, so that no later start trusts it either.
    var distrust: Frame {
        var frame = Frame()
        for (sale, stock) in sales where stock.isTrusted {
            frame.append { $0.append(distrust: sale, epoch: stock.epoch) }
        }
        return frame
    }

    /// Whether the journal vouches for a sale.
    func isTrusted(_ stock: SaleStock) -> Bool { stock.isTrusted && !incomplete.contains(stock.terms.sale) }

    /// What was replayed is what the file holds. Nobody reserves until the ledger has been asked; and not even then, if
    /// the file may lack what it once held.
    func stock(mayLack: Bool) -> [SaleID: SaleStock] {
        sales.mapValues { stock in
            var stock = stock
            stock.awaitsClaim = isTrusted(stock) && !mayLack
            stock.isTrusted = false
            return stock
        }
    }
}

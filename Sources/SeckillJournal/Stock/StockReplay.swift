internal import SeckillCore

/// Makes stock of a journal's entries again.
struct StockReplay: Sendable {
    private(set) var sales: [SaleID: SaleStock] = [:]
    /// The sale that the file is in the middle of describing.
    private var begun: SaleID?

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
        case .sale: try applySale(&body)
        case .users: try applyUsers(&body)
        case .orders: try applyOrders(&body)
        case .returns: try applyReturns(&body)
        case .reservation: try applyReservation(&body)
        case .giveBack:
            let units = try body.units()
            try apply(to: units.sale) { $0.restoreGiveBack(units) }
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

    private mutating func applySale(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let terms = try body.terms()
        let epoch = try body.epoch()
        let remaining = Int(try body.signed())
        let version = try body.count()
        let aside = try body.count()
        guard
            var stock = SaleStock(restoring: terms, epoch: epoch, remaining: remaining, version: version, aside: aside)
        else { throw ByteReader.Malformed() }
        stock.isTrusted = try body.flag()
        sales[terms.sale] = stock
        begun = terms.sale
    }

    private mutating func applyUsers(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in
            let user = try body.blob()
            return stock.restoreUser(user, live: Int(try body.signed()))
        }
    }

    private mutating func applyOrders(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        var moment: Int64 = 0
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in
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
            return stock.restoreOrder(own, row)
        }
    }

    private mutating func applyReturns(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in stock.restoreReturn(try body.blob()) }
    }

    /// Applies the items of one entry to the sale begun last; `item` returns false for one that cannot be.
    private mutating func forEach(
        _ body: inout ByteReader,
        _ item: (inout ByteReader, inout SaleStock) throws(ByteReader.Malformed) -> Bool
    ) throws(ByteReader.Malformed) {
        // However large the count is, the body ends before long.
        let count = try body.count()
        guard let begun else { throw ByteReader.Malformed() }
        for _ in 0..<count {
            let isApplied = try sales.with(begun) { stock throws(ByteReader.Malformed) in try item(&body, &stock) }
            guard isApplied == true else { throw ByteReader.Malformed() }
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

    /// What was replayed is what the file holds. Nobody reserves until the ledger has been asked; and not even then, if
    /// the file may lack what it once held.
    func stock(mayLack: Bool) -> [SaleID: SaleStock] {
        sales.mapValues { stock in
            var stock = stock
            stock.awaitsClaim = stock.isTrusted && !mayLack
            stock.isTrusted = false
            return stock
        }
    }
}

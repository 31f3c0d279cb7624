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
            guard sales.with(units.sale, { $0.giveBack(units) }) == .applied else { throw ByteReader.Malformed() }
        case .terms:
            let terms = try body.terms()
            sales.with(terms.sale) { $0.update(terms) }
        case .distrust:
            let sale = try body.sale()
            let epoch = try body.count()
            sales.with(sale) { if $0.epoch == epoch { $0.isTrusted = false } }
        case .settled: try applySettled(&body)
        }
    }

    private mutating func applySale(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let terms = try body.terms()
        let epoch = try body.count()
        let remaining = Int(try body.signed())
        let version = try body.count()
        let aside = try body.count()
        var stock = SaleStock(restoring: terms, epoch: epoch, remaining: remaining, version: version, aside: aside)
        stock.isTrusted = try body.flag()
        sales[terms.sale] = stock
        begun = terms.sale
    }

    private mutating func applyUsers(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in
            let user = try body.blob()
            stock.restoreUser(user, live: Int32(truncatingIfNeeded: try body.signed()))
        }
    }

    private mutating func applyOrders(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        var moment: Int64 = 0
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in
            let own = try body.blob()
            let user = UInt32(truncatingIfNeeded: try body.varint())
            moment += try body.signed()
            let flags = try body.byte()
            let row = SaleOrders.Row(
                user: user,
                reservedAt: Timestamp(milliseconds: moment),
                isSettled: flags & 1 != 0,
                isReturned: flags & 2 != 0
            )
            stock.restoreOrder(own, row)
        }
    }

    private mutating func applyReturns(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        try forEach(&body) { body, stock throws(ByteReader.Malformed) in stock.restoreReturn(try body.blob()) }
    }

    private mutating func forEach(
        _ body: inout ByteReader,
        _ item: (inout ByteReader, inout SaleStock) throws(ByteReader.Malformed) -> Void
    ) throws(ByteReader.Malformed) {
        let count = try body.count()
        guard let begun else { throw ByteReader.Malformed() }
        for _ in 0..<count {
            try sales.with(begun) { stock throws(ByteReader.Malformed) in try item(&body, &stock) }
        }
    }

    private mutating func applyReservation(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let order = try body.blob()
        let user = try body.blob()
        let sequence = try body.count()
        let moment = try body.moment()
        let name = String(decoding: order.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
        guard let sale = SaleID(name),
            sales.with(sale, { $0.retake(order, for: user, at: moment) && $0.sequence == sequence }) == true
        else { throw ByteReader.Malformed() }
    }

    private mutating func applySettled(_ body: inout ByteReader) throws(ByteReader.Malformed) {
        let sale = try body.sale()
        let epoch = try body.count()
        let aside = try body.flag()
        let count = try body.count()
        for _ in 0..<count {
            let sequence = try body.count()
            sales.with(sale) { if $0.epoch == epoch { $0.settle(sequence, aside: aside) } }
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

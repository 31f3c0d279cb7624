internal import SeckillCore

/// All sales of a journal: what its entries add up to, and what is known beside. A plain value; its owner locks it.
struct StockBook: Sendable {
    struct Entry: Sendable {
        var stock: SaleStock
        /// The file vouches for it, but nobody has compared it with the ledger since the start.
        var awaitsClaim = false
        var commits = CommitMarks()

        init(_ stock: SaleStock) { self.stock = stock }
    }

    private(set) var sales: [SaleID: Entry] = [:]
    var claims = StockClaims()

    /// Works on a sale in place; nil if it is not there.
    mutating func with<Result, Failure: Error>(
        _ sale: SaleID,
        _ body: (inout Entry) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let index = sales.index(forKey: sale) else { return nil }
        return try body(&sales.values[index])
    }

    mutating func install(_ stock: SaleStock) { sales[stock.terms.sale] = Entry(stock) }

    /// Forgets sales that are over for good and have all their orders in the ledger, unless they are bare already. The
    /// reconciler finds them missing and rebuilds them as they stand in the ledger, without a single order.
    mutating func forgetFinished(at now: Timestamp) {
        sales = sales.filter { _, entry in
            let snapshot = entry.stock.snapshot
            return !entry.stock.isOver(at: now) || snapshot.pending > 0 || snapshot.sequence == 0
        }
    }

    /// What was replayed is what the file holds. Nobody reserves until the ledger has been asked; and not even then, if
    /// the file may lack what it once held.
    mutating func endReplay(mayLack: Bool) {
        for index in sales.values.indices {
            let isTrusted = sales.values[index].stock.isTrusted
            sales.values[index].awaitsClaim = isTrusted && !mayLack
            sales.values[index].stock.isTrusted = false
            sales.values[index].commits = CommitMarks(durable: sales.values[index].stock.sequence)
        }
    }
}

extension SaleStock {
    /// Closed by its operator, for ever, or by its own time more than a day ago: a clock may be wrong by that much.
    func isOver(at now: Timestamp) -> Bool {
        terms.admission == .closed || terms.closesAt.map { now >= $0 + .seconds(86_400) } ?? false
    }
}

/// Up to which sequence a sale's reservations are durable.
struct CommitMarks: Sendable {
    private var marks: [(ticket: GroupBuffer.Ticket, sequence: Int)] = []
    private var durable: Int

    init(durable: Int = 0) { self.durable = durable }

    /// Notes that the reservation of `sequence` is in group `ticket`.
    mutating func note(_ sequence: Int, in ticket: GroupBuffer.Ticket, durableTicket: GroupBuffer.Ticket) {
        if let last = marks.last, last.ticket == ticket {
            marks[marks.count - 1].sequence = sequence
        } else {
            _ = durableSequence(by: durableTicket)
            marks.append((ticket, sequence))
        }
    }

    mutating func durableSequence(by ticket: GroupBuffer.Ticket) -> Int {
        while let first = marks.first, first.ticket <= ticket {
            durable = first.sequence
            marks.removeFirst()
        }
        return durable
    }
}

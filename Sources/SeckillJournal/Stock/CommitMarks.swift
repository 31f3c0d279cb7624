internal import SeckillCore

/// Up to which sequence each sale's reservations are durable.
struct CommitMarks: Sendable {
    private struct Marks: Sendable {
        var pending: [(ticket: GroupBuffer.Ticket, sequence: Int)] = []
        var durable: Int

        mutating func settle(by ticket: GroupBuffer.Ticket) {
            // As many as there are groups that were not durable when it was looked at last: a few.
            let settled = pending.prefix { $0.ticket <= ticket }
            guard let last = settled.last else { return }
            durable = last.sequence
            pending.removeFirst(settled.count)
        }
    }

    private var marks: [SaleID: Marks] = [:]

    /// Notes that the reservations up to `sequence` are durable. Those of an epoch before are forgotten.
    mutating func begin(_ sale: SaleID, at sequence: Int) { marks[sale] = Marks(durable: sequence) }

    /// Forgets a sale.
    mutating func end(_ sale: SaleID) { marks[sale] = nil }

    /// Notes that the reservation of `sequence` is in group `ticket`.
    mutating func note(
        _ sequence: Int,
        of sale: SaleID,
        in ticket: GroupBuffer.Ticket,
        durableTicket: GroupBuffer.Ticket
    ) {
        guard let index = marks.index(forKey: sale) else { return }
        let last = marks.values[index].pending.count - 1
        if last >= 0, marks.values[index].pending[last].ticket == ticket {
            marks.values[index].pending[last].sequence = sequence
        } else {
            marks.values[index].settle(by: durableTicket)
            marks.values[index].pending.append((ticket, sequence))
        }
    }

    /// The last sequence of `sale` whose group is among the first `ticket`.
    mutating func durableSequence(of sale: SaleID, by ticket: GroupBuffer.Ticket) -> Int {
        guard let index = marks.index(forKey: sale) else { return 0 }
        marks.values[index].settle(by: ticket)
        return marks.values[index].durable
    }
}

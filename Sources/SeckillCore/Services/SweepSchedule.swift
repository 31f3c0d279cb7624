internal import DequeModule
internal import HeapModule

/// Decides which sales the reconciler looks at on each round, so that a round costs what goes on and not what exists.
///
/// A sale that somebody has bought from, asked for or changed lately is active: it is looked at on every round. So is one
/// that opens or closes about now. The others take turns, a few of them on each round. When the node starts, and whenever
/// one sale is found lost, all are suspect: they are looked at as fast as it goes, those that sell first.
struct SweepSchedule: Sendable {
    /// The sales of one round.
    struct Round: Sendable {
        var sales: [SaleID]
        fileprivate var turns = 0
        fileprivate var suspects = 0
    }

    private struct Transition: Comparable, Sendable {
        var at: Timestamp
        var sale: SaleID
        static func < (a: Transition, b: Transition) -> Bool { a.at < b.at }
    }

    /// How long a sale stays active.
    private static let activeTime: Duration = .seconds(10)
    /// How long before it opens or closes a sale becomes active.
    private static let lead: Duration = .seconds(15)
    private static let idlePerRound = 10
    private static let suspectsPerRound = 500

    private var activeUntil: [SaleID: Duration] = [:]
    /// All sales, in the order of their turns.
    private var turns: Deque<SaleID> = []
    private var members: Set<SaleID> = []
    private var suspects: Deque<SaleID> = []
    private var transitions = Heap<Transition>()

    /// Whether sales wait that must be looked at as soon as possible.
    var hasSuspects: Bool { !suspects.isEmpty }

    /// Takes in sales that are new or have changed. A new one is suspect, one that is known becomes active.
    mutating func note(_ changed: [SaleRecord], at now: Timestamp, uptime: Duration) {
        var new: [SaleRecord] = []
        for record in changed {
            let sale = record.sale.id
            guard members.insert(sale).inserted else {
                touch(sale, at: uptime)
                continue
            }
            turns.append(sale)
            new.append(record)
            for moment in [record.sale.opensAt, record.sale.closesAt].compactMap(\.self) where moment >= now {
                transitions.insert(Transition(at: moment, sale: sale))
            }
        }
        suspect(new, at: now)
    }

    /// Has sales looked at as soon as possible: those first that sell, then those that open next.
    mutating func suspect(_ records: [SaleRecord], at now: Timestamp) {
        suspects += records.map { ($0, Urgency($0, at: now)) }.sorted { $0.1 < $1.1 }.map(\.0.sale.id)
    }

    /// Something happens in this sale. Does nothing for one that is not known.
    mutating func touch(_ sale: SaleID, at uptime: Duration) {
        if members.contains(sale) { activeUntil[sale] = uptime + Self.activeTime }
    }

    /// Never looks at the sale again.
    mutating func remove(_ sale: SaleID) {
        members.remove(sale)
        activeUntil[sale] = nil
    }

    /// The sales to look at now, the most urgent first. They stay due until ``finish(_:)``.
    mutating func round(at now: Timestamp, uptime: Duration) -> Round {
        while let next = transitions.min, next.at <= now + Self.lead {
            transitions.removeMin()
            // Long enough to see it happen.
            if members.contains(next.sale) { activeUntil[next.sale] = uptime + (next.at - now) + Self.activeTime }
        }
        activeUntil = activeUntil.filter { $0.value > uptime }
        var round = Round(sales: activeUntil.keys.sorted { $0.text < $1.text })
        round.suspects = min(suspects.count, Self.suspectsPerRound)
        round.turns = hasSuspects ? 0 : min(turns.count, Self.idlePerRound)
        var isIn = Set(round.sales)
        for sale in Array(suspects.prefix(round.suspects)) + turns.prefix(round.turns)
        where members.contains(sale) && isIn.insert(sale).inserted {
            round.sales.append(sale)
        }
        return round
    }

    /// The sales of `round` have been looked at.
    mutating func finish(_ round: Round) {
        suspects.removeFirst(min(round.suspects, suspects.count))
        for _ in 0..<min(round.turns, turns.count) {
            let sale = turns.removeFirst()
            if members.contains(sale) { turns.append(sale) }
        }
    }
}

/// Which of many sales comes first.
private struct Urgency: Comparable {
    private let rank: Int
    private let orders: Int
    private let opensAt: Timestamp

    init(_ record: SaleRecord, at now: Timestamp) {
        opensAt = record.sale.opensAt
        orders = record.recorded
        rank =
            if record.isClosed(at: now) {
                3
            } else if record.admission == .paused {
                2
            } else {
                opensAt <= now ? 0 : 1
            }
    }

    static func < (a: Urgency, b: Urgency) -> Bool {
        // Of those that are open, the ones that sell most; of those that are not, the next to open.
        a.rank == 0 && b.rank == 0 ? a.orders > b.orders : (a.rank, a.opensAt) < (b.rank, b.opensAt)
    }
}

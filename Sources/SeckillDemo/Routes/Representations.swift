internal import SeckillCore

extension JSON {
    static func moment(_ moment: Timestamp?) -> JSON { moment.map { .string($0.iso8601) } ?? .null }

    static func count(_ count: Int?) -> JSON { count.map { .integer($0) } ?? .null }

    /// A sale as anybody may see it. `remaining` is null while the stock store cannot tell.
    static func sale(_ status: SaleStatus) -> JSON {
        guard case .object(let members) = lastingSale(status) else { return .null }
        return .object(members + [Member(name: "serverTime", value: .moment(status.seenAt))])
    }

    /// What ``sale(_:)`` shows but for the time: what a validator may be made of.
    static func lastingSale(_ status: SaleStatus) -> JSON {
        let sale = status.record.sale
        return [
            "id": .string(sale.id.text),
            "title": .string(sale.title),
            "price": .integer(sale.price),
            "currency": .string(sale.currency),
            "stock": .integer(status.record.stock),
            "remaining": .count(status.stock?.remaining),
            "state": .string(status.state.rawValue),
            "opensAt": .moment(sale.opensAt),
            "closesAt": .moment(sale.closesAt),
            "limitPerUser": .integer(sale.limitPerUser),
        ]
    }

    /// A sale as its operator may see it. What only the stock store knows is null while it cannot tell.
    static func report(_ report: SaleReport) -> JSON {
        let (status, totals) = (report.status, report.totals)
        return [
            "stock": .integer(totals.stock),
            "remaining": .count(status.stock?.remaining),
            "pending": .count(status.stock?.pending),
            "awaiting": .integer(totals.awaiting),
            "paid": .integer(totals.paid),
            "returning": .integer(totals.returning),
            "expired": .integer(totals.expired),
            "cancelled": .integer(totals.cancelled),
            "rejected": .integer(totals.rejected),
            "deadLettered": .integer(totals.deadLettered),
            "epoch": .integer(status.record.epoch),
            "sequence": .integer(status.stock?.sequence ?? status.record.sequence),
            "state": .string(status.state.rawValue),
        ]
    }

    /// What keeps a node from selling: `reasons` for all sales, `troubles` for single ones.
    static func troubles(_ readiness: Readiness) -> [Member] {
        let troubles = readiness.troubles.sorted { $0.key.text < $1.key.text }.map { sale, trouble -> JSON in
            [
                "sale": .string(sale.text),
                "trouble": .string(trouble.code),
                "detail": .string(trouble.description),
            ]
        }
        return [
            Member(name: "reasons", value: .array(readiness.reasons.map { .string($0) })),
            Member(name: "troubles", value: .array(troubles)),
        ]
    }

    /// A rejected order as the operator may see it.
    static func rejection(_ order: Order) -> JSON {
        [
            "order": .string(order.id.text),
            "user": .string(order.user.text),
            "reason": order.reason.map { .string($0.rawValue) } ?? .null,
        ]
    }

    /// An order as its buyer may see it.
    static func order(_ order: Order) -> JSON {
        [
            "order": .string(order.id.text),
            "sale": .string(order.id.sale.text),
            "status": .string(order.status.rawValue),
            "sequence": .integer(order.sequence),
            "payBy": .moment(order.payBy),
            "reason": order.reason.map { .string($0.rawValue) } ?? .null,
        ]
    }
}

extension SaleTrouble {
    /// The stable name of the trouble.
    var code: String {
        switch self {
        case .rebuilding: "rebuilding"
        case .damaged: "damaged"
        case .heldElsewhere: "held_elsewhere"
        case .foreign: "foreign"
        case .ledgerLostOrders: "ledger_lost_orders"
        }
    }
}

/// One kind of row that no ledger writes, and the query that finds such rows: sale and sentence of each.
struct RowCheck: Sendable {
    let name: LedgerAudit.Violation.Name
    let sql: String

    static let all = orders + returns

    private static let orders = [
        RowCheck(
            name: .overLimit,
            sql: """
                SELECT sale.id, printf('user %s holds %d live orders, the limit is %d', user, count(*), limit_per_user)
                FROM purchase JOIN sale ON sale.key = purchase.sale
                WHERE live = 1 GROUP BY purchase.sale, user HAVING count(*) > limit_per_user
                """
        ),
        RowCheck(
            name: .duplicateOrder,
            sql: """
                SELECT sale.id, printf('order %s has %d rows', purchase.id, count(*))
                FROM purchase JOIN sale ON sale.key = purchase.sale GROUP BY purchase.id HAVING count(*) > 1
                """
        ),
        RowCheck(
            name: .inconsistentOrder,
            sql: """
                SELECT sale.id, printf('order %s is %s, recorded %d, to pay by %d, settled %d', purchase.id, status,
                    recorded_at, pay_by, settled_at)
                FROM purchase JOIN sale ON sale.key = purchase.sale
                WHERE CASE status
                    WHEN 'awaiting_payment' THEN settled_at IS NULL
                    WHEN 'paid' THEN settled_at < pay_by
                    WHEN 'expired' THEN settled_at >= pay_by
                    WHEN 'cancelled' THEN settled_at IS NOT NULL
                    WHEN 'rejected' THEN settled_at IS NULL AND pay_by IS NULL AND reason IS NOT NULL
                END IS NOT 1
                OR (status <> 'rejected' AND (pay_by IS NOT recorded_at + payment_window OR reason IS NOT NULL
                    OR recorded_epoch <> purchase.epoch))
                """
        ),
        RowCheck(
            name: .wrongEpoch,
            sql: """
                SELECT sale.id, printf('order %s of epoch %d was recorded in epoch %d, the sale is in %d', purchase.id,
                    purchase.epoch, recorded_epoch, sale.epoch)
                FROM purchase JOIN sale ON sale.key = purchase.sale
                WHERE purchase.epoch > recorded_epoch OR recorded_epoch > sale.epoch
                """
        ),
    ]

    private static let returns = [
        RowCheck(
            name: .strandedUnit,
            sql: """
                SELECT sale.id, printf('order %s is %s, and nothing returns its unit', purchase.id, status)
                FROM purchase JOIN sale ON sale.key = purchase.sale
                LEFT JOIN stock_return ON stock_return.purchase = purchase.key
                WHERE live = 0 AND recorded_epoch = purchase.epoch AND stock_return.key IS NULL
                """
        ),
        RowCheck(
            name: .strandedUnit,
            sql: """
                SELECT sale.id, printf('return %s of epoch %d is %s, the sale is in epoch %d: no store has its units',
                    \(source), stock_return.epoch, state, sale.epoch)
                FROM stock_return JOIN sale ON sale.key = stock_return.sale
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                WHERE CASE state
                    WHEN 'absorbed' THEN stock_return.epoch >= sale.epoch
                    WHEN 'done' THEN stock_return.epoch < 1
                END
                """
        ),
        RowCheck(
            name: .doubleReturn,
            sql: """
                SELECT sale.id, printf('order %s is %s, and its unit is returned', purchase.id, status)
                FROM stock_return JOIN purchase ON purchase.key = stock_return.purchase
                JOIN sale ON sale.key = purchase.sale WHERE live = 1
                """
        ),
        RowCheck(
            name: .doubleReturn,
            sql: """
                SELECT sale.id, printf('order %s held no unit any more, and one is returned', purchase.id)
                FROM stock_return JOIN purchase ON purchase.key = stock_return.purchase
                JOIN sale ON sale.key = purchase.sale WHERE recorded_epoch <> purchase.epoch
                """
        ),
        RowCheck(
            name: .doubleReturn,
            sql: """
                SELECT sale.id, printf('return %s has %d rows for %d units', \(source), count(*), sum(units))
                FROM stock_return JOIN sale ON sale.key = stock_return.sale
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                GROUP BY stock_return.sale, \(source) HAVING count(*) > 1 OR (purchase.id IS NOT NULL AND sum(units) <> 1)
                """
        ),
        RowCheck(
            name: .wrongEpoch,
            sql: """
                SELECT sale.id, printf('return %s is of epoch %d, the sale is in %d', \(source), stock_return.epoch,
                    sale.epoch)
                FROM stock_return JOIN sale ON sale.key = stock_return.sale
                LEFT JOIN purchase ON purchase.key = stock_return.purchase
                WHERE stock_return.epoch > sale.epoch OR stock_return.epoch < recorded_epoch
                    OR stock_return.sale <> purchase.sale
                """
        ),
    ]

    /// What a return gives back: the order's id or the restock's.
    private static let source = "coalesce(purchase.id, stock_return.restock)"
}

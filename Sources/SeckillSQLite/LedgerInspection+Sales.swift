internal import GRDB
internal import SeckillCore

extension LedgerInspection {
    /// What the rows of one sale add up to.
    private struct Tally {
        var rows = 0
        var totals = SaleTotals(stock: 0)
        var sequence = 0
        /// Orders of the present epoch.
        var recorded = 0
        var seal: Int64 = 0
        /// Units added since the sale was declared.
        var restocked = 0
        /// Whether an order was found that is not as recorded.
        var isAltered = false
    }

    /// Compares each sale's row with its seal, and its sums with its orders and returns.
    mutating func checkSales() throws {
        var books: [Int64: SaleBook] = [:]
        for row in try SaleBook.rows(db) {
            do {
                let book = try SaleBook(row, db)
                books[book.key] = book
                if !book.isIntact { add(.alteredSale, book.record.sale.id, "its row was changed by another program") }
            } catch let damage as LedgerDamage {
                add(.alteredSale, nil, damage.description)
            }
        }
        let created = try Int.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'sale'") ?? 0
        let left = try Int.fetchOne(db, sql: "SELECT count(*) FROM sale") ?? 0
        if left < created { add(.lostSale, nil, "\(created) sales were created, \(left) are left") }

        let tallies = try tally(books)
        for book in books.values.sorted(by: { $0.record.sale.id.text < $1.record.sale.id.text }) {
            let tally = tallies[book.key] ?? Tally()
            compare(book, tally)
            var totals = tally.totals
            totals.stock = book.record.stock
            audit.sales.append(LedgerAudit.AuditedSale(record: book.record, totals: totals))
        }
    }

    private mutating func compare(_ book: SaleBook, _ tally: Tally) {
        let (id, record, kept) = (book.record.sale.id, book.record, book.sums)
        var found = tally.totals
        let live = found.awaiting + found.paid
        if live > record.stock { add(.oversold, id, "\(live) live orders for \(record.stock) units") }
        if record.stock - record.sale.stock != tally.restocked {
            let sum = "\(record.sale.stock) units were declared and \(tally.restocked) added"
            add(.wrongStock, id, "\(sum), the stock is \(record.stock)")
        }
        if found.returning < kept.returning {
            add(.strandedUnit, id, "\(kept.returning - found.returning) units were to be returned and never were")
        } else if found.returning > kept.returning {
            add(.doubleReturn, id, "\(found.returning - kept.returning) units that were returned are to be once more")
        }
        let recorded = kept.awaiting + kept.paid + kept.expired + kept.cancelled + kept.rejected
        if tally.rows < recorded {
            return add(.lostOrder, id, "\(recorded) orders were recorded, \(tally.rows) are left")
        }
        if tally.rows > recorded {
            return add(.forgedOrder, id, "\(recorded) orders were recorded, \(tally.rows) are there")
        }
        (found.stock, found.returning) = (kept.stock, kept.returning)
        if found != kept { add(.miscounted, id, "the orders add up to \(found.counts), not to \(kept.counts)") }
        if tally.isAltered { return }
        if tally.sequence != record.sequence {
            add(.miscounted, id, "the last sequence is \(tally.sequence), not \(record.sequence)")
        }
        if tally.recorded != record.recorded {
            add(.miscounted, id, "\(tally.recorded) orders are of this epoch, not \(record.recorded)")
        }
        if tally.seal != book.ordersSeal { add(.alteredOrder, id, "an order is not as it was recorded") }
    }

    /// Reads every order and return once.
    private mutating func tally(_ books: [Int64: SaleBook]) throws -> [Int64: Tally] {
        var tallies: [Int64: Tally] = [:]
        let orders = try Row.fetchCursor(
            db,
            sql: "SELECT \(OrderRow.columns), sale, epoch, id_hash, user_hash FROM purchase"
        )
        while let row = try orders.next() {
            var columns = Columns(row, from: OrderRow.columnCount)
            let (sale, epoch): (Int64, Int) = try (columns.next(), columns.next())
            let hashes: (Int64, Int64) = try (columns.next(), columns.next())
            var tally = tallies[sale] ?? Tally()
            tally.rows += 1
            let record = books[sale]?.record
            do {
                let row = try OrderRow(row)
                let (id, user) = (row.order.id, row.order.user)
                tally.totals.count(row.order)
                if epoch == record?.epoch {
                    tally.sequence = max(tally.sequence, row.order.sequence)
                    tally.recorded += 1
                }
                tally.seal &+= row.seal
                guard id.sale == record?.sale.id, id.epoch == epoch,
                    (0..<Fingerprint.maxProbes).contains(hashes.0 &- Fingerprint.of(id)),
                    hashes.1 == Fingerprint.of(user.text)
                else { throw LedgerDamage(what: "order \(id)") }
            } catch let damage as LedgerDamage {
                tally.isAltered = true
                add(.alteredOrder, record?.sale.id, damage.description)
            }
            tallies[sale] = tally
        }
        let returns = try Row.fetchCursor(
            db,
            sql: """
                SELECT sale, coalesce(sum(units) FILTER (
                        WHERE state = 'open' AND epoch = (SELECT epoch FROM sale WHERE key = stock_return.sale)
                    ), 0),
                    coalesce(sum(units) FILTER (WHERE restock IS NOT NULL), 0)
                FROM stock_return GROUP BY sale
                """
        )
        while let row = try returns.next() {
            var columns = Columns(row)
            let sale: Int64 = try columns.next()
            tallies[sale, default: Tally()].totals.returning = try columns.next()
            tallies[sale, default: Tally()].restocked = try columns.next()
        }
        return tallies
    }
}

extension SaleTotals {
    /// The orders in words.
    fileprivate var counts: String {
        "\(awaiting) awaiting payment, \(paid) paid, \(expired) expired, \(cancelled) cancelled, \(rejected) rejected, "
            + "\(deadLettered) of these undeliverable"
    }
}

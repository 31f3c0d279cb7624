internal import GRDB
public import SeckillCore

/// The order ledger in one SQLite file, which several processes of one machine may share.
///
/// Every change is one transaction in the write-ahead log, synced before it is acknowledged (`synchronous=FULL`, read
/// back at start). Readers never wait. A file that is full or locked makes calls fail with `unavailable` and is used
/// again as soon as it can be.
public struct SQLiteOrderLedger: OrderLedger {
    private let file: LedgerFile

    /// The resolved path of the ledger's file: the same whichever name it was opened by.
    public var path: String { file.path }

    private init(_ file: LedgerFile) { self.file = file }

    /// Opens the ledger at `path`, creating it if there is none.
    ///
    /// - Parameter patience: how long a call waits while another process writes, before it fails with `unavailable`: up to
    ///   twice that, where it first waits as long for another call of this process.
    /// - Throws: ``SeckillError`` whose message says what is wrong with the file and what to do.
    public static func open(path: String, patience: Duration = .seconds(5)) async throws -> SQLiteOrderLedger {
        SQLiteOrderLedger(try await offPool { try LedgerFile(path: path, patience: patience) })
    }

    /// The identity that was drawn when the file became a ledger.
    public func identity() async throws -> LedgerID { file.id }

    // MARK: Sales

    /// Adds a sale. Durations count in whole milliseconds.
    public func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        var declared = sale
        declared.paymentWindow = .milliseconds(sale.paymentWindow.milliseconds)
        return try await file.writeGrouped { [declared] books in
            guard let book = try books.sale(declared.id) else {
                return .created(try SaleBook.create(declared, books.db).record)
            }
            return book.record.sale == declared ? .existing(book.record) : .conflict(book.record)
        }
    }

    /// One sale.
    public func sale(_ id: SaleID) async throws -> SaleRecord? {
        try await file.read { db in try SaleBook.open(id, db)?.record }
    }

    /// Those that have changed, by id. A server never runs over a restored file, whose numbers may be others.
    public func sales(changedAfter change: Int) async throws -> SaleListing {
        try await file.read { db in try SaleBook.changed(after: change, db) }
    }

    /// Turns the switch.
    public func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord? {
        try await change(sale) { book in
            if book.record.admission != .closed, book.record.admission != admission {
                book.record.admission = admission
                book.record.revision += 1
            }
            return book.record
        }
    }

    /// Adds units.
    public func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        try await change(sale) { book in try book.restock(adding: units, id: id) }
    }

    // MARK: Orders

    /// Records, as the last guard.
    public func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        if reservations.isEmpty { return [] }
        return try await writeOrders { db in
            let books = SaleBooks(db)
            let table = try books.orders()
            let orders = try reservations.map { try books.sale($0).record($0, in: table, at: now) }
            try books.save()
            return orders
        }
    }

    /// Records as rejected.
    public func reject(
        _ reservation: Reservation,
        because reason: RejectionReason,
        at now: Timestamp
    ) async throws -> Order {
        try await writeOrders { db in
            let books = SaleBooks(db)
            let table = try books.orders()
            let order = try books.sale(reservation).reject(reservation, because: reason, in: table, at: now)
            try books.save()
            return order
        }
    }

    /// Marks paid.
    public func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try await settle(order) { book, row in try book.pay(row, at: now) }
    }

    /// Cancels.
    public func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try await settle(order) { book, row in try book.cancel(row, at: now) }
    }

    /// Expires what is due.
    ///
    /// **Cost**: what is due is found before the transaction begins, so that a writer waits for the changes only.
    public func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order] {
        var due = DueOrders(at: now)
        var expired: [Order] = []
        while expired.count < limit {
            let (wanted, search) = (limit - expired.count, due)
            let rows = try await file.read { db in try search.read(limit: wanted, db) }
            if rows.isEmpty { break }
            expired += try await file.write { db in try Self.expire(rows, at: now, db) }
            if rows.count < wanted { break }
            // Others have paid or expired the rest.
            due.excluded.formUnion(rows.map(\.key))
        }
        return expired
    }

    private static func expire(_ rows: [OrderRow], at now: Timestamp, _ db: Database) throws -> [Order] {
        let books = SaleBooks(db)
        var expired: [Order] = []
        for row in rows {
            do {
                if let order = try books.sale(row.order.id.sale)?.expire(row, at: now) { expired.append(order) }
            } catch is LedgerDamage {
                // The sale was damaged in the meantime. It keeps no other's orders from expiring.
                continue
            }
        }
        try books.save()
        return expired
    }

    /// The row and the epoch.
    public func lookUp(_ order: OrderID) async throws -> LedgerAnswer {
        try await file.read { db in
            guard let book = try SaleBook.open(order.sale, db) else { return LedgerAnswer(order: nil, epoch: nil) }
            let row = try OrderTable(db).row(of: order, in: book.key)
            return LedgerAnswer(order: row?.order, epoch: book.record.epoch)
        }
    }

    /// Newest first.
    public func orders(of user: UserID, limit: Int) async throws -> [Order] {
        try await file.read { db in try OrderRow.newest(of: user, limit: limit, db).map(\.order) }
    }

    // MARK: Returns

    /// Oldest first.
    public func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        try await file.read { db in try PendingReturns.read(limit: limit, excluding: sales, db) }
    }

    /// Marks as applied.
    public func markReturnsApplied(_ returns: [StockReturn]) async throws {
        if returns.isEmpty { return }
        try await file.write { db in
            let books = SaleBooks(db)
            let table = try books.orders()
            for applied in returns {
                do {
                    try books.sale(applied.sale)?.markApplied(applied, in: table)
                } catch is LedgerDamage {
                    // It stays pending until it is repaired, and keeps no other from being marked.
                    continue
                }
            }
            try books.save()
        }
    }

    // MARK: The fence

    /// Names the holder.
    public func transfer(
        _ sale: SaleID,
        to store: StoreName?,
        takeover number: Int
    ) async throws -> SaleRecord? {
        try await change(sale) { book in
            book.transfer(to: store, takeover: number)
            return book.record
        }
    }

    /// Raises the epoch to one that no store holds.
    public func raiseEpoch(
        of sale: SaleID,
        above epoch: Int,
        acceptingLoss: Bool
    ) async throws -> SaleRecord? {
        try await change(sale) { book in
            try book.raiseEpoch(above: epoch, acceptingLoss: acceptingLoss)
            return book.record
        }
    }

    /// Raises the epoch.
    ///
    /// **Cost**: the transaction changes one row. Who holds units is read afterwards, beside writers.
    public func beginEpoch(
        after epoch: Int,
        of sale: SaleID,
        in store: StoreName
    ) async throws -> BeginEpochOutcome? {
        let outcome = try await change(sale) { book in try book.beginEpoch(after: epoch, in: store) }
        guard case .begun(var stock) = outcome else { return outcome }
        let begun = stock.epoch
        let held = try await file.read(isLimited: false) { db in try HeldUnits.read(epoch: begun, of: sale, db) }
        guard let held else { return .superseded }
        stock.held = held
        return .begun(stock)
    }

    // MARK: Files

    /// Checks that the ledger's files are the ones that were opened. Every call checks it too; a server that is idle
    /// should call this from time to time.
    /// - Throws: ``SeckillError`` of code `unavailable` that names the file which was removed or replaced.
    public func check() async throws { try await file.check() }

    // MARK: Transactions

    private func writeOrders<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await file.write(body)
        } catch let unknown as UnknownSale {
            // Not in the write transaction: it looks at every sale.
            throw try await file.read { db in try unknown.error(db) }
        }
    }

    private func change<Value: Sendable>(
        _ sale: SaleID,
        _ body: @escaping @Sendable (SaleBook) throws -> Value
    ) async throws -> Value? {
        try await file.writeGrouped { books in try books.sale(sale).map(body) }
    }

    private func settle(
        _ order: OrderID,
        _ body: @escaping @Sendable (SaleBook, OrderRow) throws -> SettleOutcome
    ) async throws -> SettleOutcome {
        try await file.writeGrouped { books in
            guard let book = try books.sale(order.sale), let row = try books.orders().row(of: order, in: book.key)
            else {
                return .unknown
            }
            return try body(book, row)
        }
    }
}

extension SQLiteOrderLedger: RejectionRegister {
    /// Latest first.
    public func rejections(of sale: SaleID, limit: Int) async throws -> [Order] {
        try await file.read { db in try OrderRow.rejected(of: sale, limit: limit, db).map(\.order) }
    }
}

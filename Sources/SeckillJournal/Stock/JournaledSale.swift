internal import Dispatch
public import SeckillCore

/// A sale as a stock journal describes it, for an audit.
public struct JournaledSale: Sendable {
    /// The sale.
    public var sale: SaleID
    /// The ledger that the journal belongs to; nil in a journal of an earlier version.
    public var ledger: LedgerID?
    /// What the journal says is left, pending and so on.
    public var stock: StockSnapshot
    /// Rows that the ledger had of the sale when the sale's epoch began. With ``SeckillCore/StockSnapshot/settled``
    /// it is the number of rows that the ledger must have now.
    public var ordersBefore: Int
    /// False if the sale waits for a rebuild: then the figures are those from before.
    public var isTrusted: Bool
    /// Reservations that no worker has acknowledged, oldest first. Some of them may be in the ledger already.
    public var pending: [Reservation]
    let replayed: SaleStock

    /// Whether the units of an order, or of a restock, were given back in this epoch.
    public func hasApplied(_ id: String) -> Bool { replayed.hasApplied(id) }
}

extension EmbeddedStores {
    /// What the stock journal in `path` says, by sale. Changes nothing and needs no lock, so it may be read while a
    /// server writes it; then the last few orders may be missing. Nil if there is no journal.
    /// - Throws: ``SeckillCore/SeckillError`` if there is one that cannot be read.
    public static func read(at path: String) async throws -> [JournaledSale]? {
        try await withCheckedThrowingContinuation { done in
            DispatchQueue(label: "seckill.journal.read").async {
                done.resume(with: Result { try read(at: path, in: SystemFiles()) })
            }
        }
    }

    static func read(at path: String, in files: any FileSystem) throws -> [JournaledSale]? {
        let path = JournalDirectory.file("stock", in: path)
        do {
            // A writer who gets ahead of the reader between two looks leaves it with what seems to be damage.
            for _ in 1...3 {
                if let sales = try? readOnce(path, in: files) { return sales }
            }
            return try readOnce(path, in: files)
        } catch let error as FileError {
            throw SeckillError(.unavailable, "the journal cannot be read: \(error)")
        }
    }

    private static func readOnce(_ path: String, in files: any FileSystem) throws -> [JournaledSale]? {
        guard let file = try files.open(path, writing: false) else { return nil }
        var replay = StockReplay()
        _ = try JournalFile.read(file, path, .stock) { body throws(ByteReader.Malformed) in try replay.apply(&body) }
        return replay.sales.values.map { stock in
            JournaledSale(
                sale: stock.terms.sale,
                ledger: replay.ledger,
                stock: stock.snapshot,
                ordersBefore: stock.ordersBefore,
                isTrusted: replay.isTrusted(stock),
                pending: stock.unsettled,
                replayed: stock
            )
        }
        .sorted { $0.sale.text < $1.sale.text }
    }
}

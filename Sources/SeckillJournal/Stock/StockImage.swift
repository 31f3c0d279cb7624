internal import SeckillCore

/// The stock of all sales on its way into a new file.
struct StockImage: JournalImage {
    private static let piece = 2048
    private let ledger: LedgerID
    private let sales: [(image: SaleStock.Image, isTrusted: Bool)]

    init(_ sales: [SaleID: SaleStock], of ledger: LedgerID) {
        self.ledger = ledger
        self.sales = sales.values.map { ($0.image, $0.isTrusted || $0.awaitsClaim) }
    }

    func write(_ emit: (Frame) throws(FileError) -> Void) throws(FileError) {
        try emit(.naming(ledger))
        for (image, isTrusted) in sales {
            var frame = Frame()
            frame.append { $0.append(stock: image, isTrusted: isTrusted) }
            try emit(frame)
            try write(image.orders.users.count, emit) { $0.append(usersOf: image, $1) }
            try write(image.orders.rows.count, emit) { $0.append(ordersOf: image, $1) }
            try write(image.otherReturns.count, emit) { $0.append(returnsOf: image, $1) }
        }
    }

    /// Writes `count` items in pieces, each a frame.
    private func write(
        _ count: Int,
        _ emit: (Frame) throws(FileError) -> Void,
        _ encode: (inout [UInt8], Range<Int>) -> Void
    ) throws(FileError) {
        for start in stride(from: 0, to: count, by: Self.piece) {
            var frame = Frame()
            frame.append { encode(&$0, start..<min(start + Self.piece, count)) }
            try emit(frame)
        }
    }
}

extension Frame {
    /// What the first frame of every stock journal says.
    static func naming(_ ledger: LedgerID) -> Frame {
        var frame = Frame()
        frame.append { $0.append(ledger: ledger) }
        return frame
    }
}

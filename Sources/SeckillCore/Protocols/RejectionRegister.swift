/// What an ``OrderLedger`` may be asked besides, if it can tell: which orders came to nothing, for their operator.
public protocol RejectionRegister: Sendable {
    /// The rejected orders of a sale, latest first, at most `limit`.
    func rejections(of sale: SaleID, limit: Int) async throws -> [Order]
}

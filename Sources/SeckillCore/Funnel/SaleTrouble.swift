/// Why a sale that the ledger has does not sell on this node, although its terms would let it.
public enum SaleTrouble: Hashable, Sendable, CustomStringConvertible {
    /// Its stock is being installed or rebuilt. Passes by itself.
    case rebuilding
    /// The ledger's row was damaged or altered. Restore the ledger, or repair the row.
    case damaged
    /// The ledger names another store as the holder. Start that store's server again and stop it in order, or take the
    /// sale over.
    case heldElsewhere(StoreName)
    /// The stock store holds a sale of this id for another ledger. Use another namespace.
    case foreign(LedgerID)
    /// The stock store knows more recorded orders than the ledger: the ledger is an older copy. Bring the right one back,
    /// or accept the loss.
    case ledgerLostOrders(known: Int, recorded: Int)

    /// What is wrong and what to do, in one sentence.
    public var description: String {
        switch self {
        case .rebuilding: "its stock is being rebuilt"
        case .damaged: "its row in the ledger is damaged or altered; run the audit and restore the ledger"
        case .heldElsewhere(let store):
            "the ledger gives it to \(store); stop the server that uses that store in order, or take the sale over"
        case .foreign(let ledger):
            "the stock store holds it for another ledger, \(ledger); choose another namespace for this shop"
        case .ledgerLostOrders(let known, let recorded):
            "the stock store knows \(known) recorded orders and the ledger has \(recorded); put the right ledger back, or "
                + "accept the loss"
        }
    }
}

/// Whether a node can answer purchases, and what keeps it from selling what.
public struct Readiness: Hashable, Sendable {
    /// Whether purchases can be answered: ledger and stock store can be reached, no sale waits for a rebuild, and not all
    /// sales are in trouble.
    public var isReady: Bool
    /// What is wrong with single sales. A sale that is damaged or held elsewhere does not make a node unready, as long as
    /// another sells.
    public var troubles: [SaleID: SaleTrouble]
    /// What is wrong for all sales, such as a ledger that does not answer.
    public var reasons: [String]

    /// A node's readiness.
    public init(isReady: Bool, troubles: [SaleID: SaleTrouble] = [:], reasons: [String] = []) {
        self.isReady = isReady
        self.troubles = troubles
        self.reasons = reasons
    }
}

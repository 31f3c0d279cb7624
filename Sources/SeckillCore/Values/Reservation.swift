/// One unit taken from the stock for one order: the entry of the outbox, and what a worker records in the ledger.
public struct Reservation: Hashable, Sendable {
    /// The order, which names sale and epoch.
    public var order: OrderID
    /// Who holds it.
    public var user: UserID
    /// Its place among the reservations of the sale's epoch, from 1, without gaps.
    public var sequence: Int
    /// When the store took the unit, by the store's clock.
    public var reservedAt: Timestamp

    /// An entry of an outbox.
    public init(order: OrderID, user: UserID, sequence: Int, reservedAt: Timestamp) {
        self.order = order
        self.user = user
        self.sequence = sequence
        self.reservedAt = reservedAt
    }
}

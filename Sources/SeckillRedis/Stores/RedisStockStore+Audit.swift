public import SeckillCore

/// What a stock store knows of the orders that a ledger has recorded.
public struct RecordedOrders: Hashable, Sendable {
    /// The epoch that the store holds the sale in.
    public var epoch: Int
    /// Rows that the ledger had when the epoch began.
    public var before: Int
    /// Orders of the epoch that have left the outbox.
    public var settled: Int
}

extension RedisStockStore {
    /// Reads what the store knows of recorded orders of `sale`, whether it sells the sale or not. Changes nothing in Redis.
    /// - Returns: nil if the store holds nothing of the sale for this ledger, or nothing that can be read.
    public func recordedOrders(of sale: SaleID) async throws -> RecordedOrders? {
        let command = RedisCommand("HMGET", keys.stock(sale), "ledger", "epoch", "orders", "settled")
        let held: [RedisValue]
        do {
            held = try await redis.perform(command, on: try redis.session()).array ?? []
        } catch is RedisError {
            return nil
        }
        guard held.count == 4, held[0].text == ledger.text else { return nil }
        let numbers = held[1...].compactMap { $0.text.flatMap { Int($0) } }
        guard numbers.count == 3, numbers.allSatisfy({ (0...1 << 52).contains($0) }) else { return nil }
        return RecordedOrders(epoch: numbers[0], before: numbers[1], settled: numbers[2])
    }
}

internal import SeckillCore

/// The names of all keys. Those of one sale share its hash tag, so that they stay together in a cluster.
struct RedisKeys: Hashable, Sendable {
    /// Sets apart shops, or tests, that share a database.
    let prefix: String

    /// The sales whose outboxes may hold something.
    var sales: String { prefix + "seckill:sales" }
    /// Where gains of units are announced.
    var restocks: String { prefix + "seckill:restocks" }

    /// All that is counted and known of a sale: one hash, so that it is there whole or not at all.
    func stock(_ sale: SaleID) -> String { tag(sale) + "stock" }
    func claim(_ sale: SaleID) -> String { tag(sale) + "claim" }
    /// One for each epoch, or a late acknowledgement could hit an entry of the next.
    func outbox(_ sale: SaleID, _ epoch: Int) -> String { tag(sale) + "outbox:" + String(epoch) }
    func dead(_ sale: SaleID) -> String { tag(sale) + "dead" }

    func session(_ digest: String) -> String { prefix + "seckill:session:" + digest }
    func rate(_ name: String, _ key: String) -> String { prefix + "seckill:rate:" + name + ":" + key }
    func page(_ key: String) -> String { prefix + "seckill:page:" + key }
    func queue(_ name: String) -> String { tag(name) + "queue" }
    func deadQueue(_ name: String) -> String { tag(name) + "dead" }

    private func tag(_ sale: SaleID) -> String { prefix + "seckill:{" + sale.text + "}:" }
    private func tag(_ queue: String) -> String { prefix + "seckill:{queue:" + queue + "}:" }
}

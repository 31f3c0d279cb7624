internal import SeckillCore

/// The name of a key, in parts that need not be put together.
struct RedisKey: Hashable, Sendable {
    private let head: String
    private let name: String
    private let tail: String

    init(_ head: String, _ name: String = "", _ tail: String = "") {
        self.head = head
        self.name = name
        self.tail = tail
    }

    var text: String { head + name + tail }

    var count: Int { head.utf8.count + name.utf8.count + tail.utf8.count }

    func write(to buffer: inout [UInt8]) {
        buffer.append(contentsOf: head.utf8)
        buffer.append(contentsOf: name.utf8)
        buffer.append(contentsOf: tail.utf8)
    }
}

/// The names of all keys. Those of one sale share its hash tag, so that they stay together in a cluster.
struct RedisKeys: Sendable {
    /// The sales whose outboxes may hold something.
    let sales: RedisKey
    /// Where gains of units are announced.
    let restocks: RedisKey
    /// Where nodes tell each other what becomes of orders.
    let orders: RedisKey

    private let ofSale: String
    private let ofSession: String
    private let ofRate: String
    private let ofPage: String
    private let ofChallenge: String
    private let ofQueue: String

    /// The prefix sets apart shops, or tests, that share a database. It may be a hash tag, such as `{shop}`, that keeps all
    /// keys together in a cluster; one that is empty would tear a sale's keys apart.
    init(prefix: String) {
        precondition(Self.keepsSalesTogether(prefix), "the key prefix \"\(prefix)\" has an empty hash tag")
        sales = RedisKey(prefix + "seckill:sales")
        restocks = RedisKey(prefix + "seckill:restocks")
        orders = RedisKey(prefix + "seckill:orders")
        ofSale = prefix + "seckill:{"
        ofSession = prefix + "seckill:session:"
        ofRate = prefix + "seckill:rate:"
        ofPage = prefix + "seckill:page:"
        ofChallenge = prefix + "seckill:challenge:"
        ofQueue = prefix + "seckill:{queue:"
    }

    /// All that is counted and known of a sale: one hash, so that it is there whole or not at all.
    func stock(_ sale: SaleID) -> RedisKey { RedisKey(ofSale, sale.text, "}:stock") }
    func claim(_ sale: SaleID) -> RedisKey { RedisKey(ofSale, sale.text, "}:claim") }
    /// One for each epoch, or a late acknowledgement could hit an entry of the next.
    func outbox(_ sale: SaleID, _ epoch: Int) -> RedisKey { RedisKey(ofSale, sale.text, "}:outbox:" + String(epoch)) }
    func dead(_ sale: SaleID) -> RedisKey { RedisKey(ofSale, sale.text, "}:dead") }

    func session(_ digest: String) -> RedisKey { RedisKey(ofSession, digest) }
    func rate(_ name: String, _ key: String) -> RedisKey { RedisKey(ofRate + Self.word(name) + ":", key) }
    func page(_ key: String) -> RedisKey { RedisKey(ofPage, key) }
    func challenge(_ kind: String, _ id: String) -> RedisKey { RedisKey(ofChallenge + kind + ":", id) }
    func queue(_ name: String) -> RedisKey { RedisKey(ofQueue, name, "}:entries") }
    func deadQueue(_ name: String) -> RedisKey { RedisKey(ofQueue, name, "}:dead") }

    /// A name without the colon that ends it, so that what stands behind belongs to no other.
    private static func word(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: ":")) || name.utf8.contains(UInt8(ascii: "%")) else { return name }
        return name.replacing("%", with: "%25").replacing(":", with: "%3A")
    }

    /// Redis goes by what stands between the first brace that opens and the next that closes, if anything does.
    static func keepsSalesTogether(_ prefix: String) -> Bool {
        guard let start = prefix.utf8.firstIndex(of: UInt8(ascii: "{")) else { return true }
        return prefix.utf8[start...].dropFirst().first != UInt8(ascii: "}")
    }
}

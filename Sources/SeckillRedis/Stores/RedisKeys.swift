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

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        write(to: &bytes)
        return bytes
    }

    func write(to buffer: inout [UInt8]) {
        buffer.append(contentsOf: head.utf8)
        buffer.append(contentsOf: name.utf8)
        buffer.append(contentsOf: tail.utf8)
    }
}

/// The names of all keys and channels of one shop. Those of one sale share its hash tag.
struct RedisKeys: Sendable {
    /// All sessions, in the order in which they make room.
    let sessions: RedisKey
    /// What this server is called in the stamps of sales.
    let server: RedisKey
    /// Where gains of units are announced.
    let restocks: RedisKey
    /// Keys to try commands on.
    let rights: [RedisKey]

    private let ofWaiting: String
    private let ofDead: String
    private let ofSale: String
    /// What the keys of sessions begin with; the digest follows.
    let ofSession: String
    /// What the keys of users' sessions begin with; the user follows.
    let ofUser: String
    private let ofRate: String
    private let ofPage: String
    private let ofChallenge: String
    private let ofQueue: String
    private let ofUserOrders: String
    private let ofSaleOrders: String

    /// The namespace sets apart shops that share a server. Channels are the same in all databases of a server, so they name
    /// theirs as well.
    init(namespace: String, database: Int) {
        precondition(Self.isNamespace(namespace), "a namespace must be 1 to 64 characters of A-Z a-z 0-9 _ -")
        let prefix = "seckill:\(namespace):"
        sessions = RedisKey(prefix + "sessions")
        server = RedisKey(prefix + "server")
        restocks = RedisKey(prefix + "restocks:\(database)")
        rights = ["hash", "renamed", "string", "set", "stream", "sorted"].map { RedisKey(prefix + "rights:" + $0) }
        ofWaiting = prefix + "waiting:"
        ofDead = prefix + "dead:"
        ofSale = prefix + "{"
        ofSession = prefix + "session:"
        ofUser = prefix + "sessions:"
        ofRate = prefix + "rate:"
        ofPage = prefix + "page:"
        ofChallenge = prefix + "challenge:"
        ofQueue = prefix + "{queue:"
        ofUserOrders = prefix + "orders:\(database):user:"
        ofSaleOrders = prefix + "orders:\(database):sale:"
    }

    /// Whether keys of this namespace belong to no other.
    static func isNamespace(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(Base64URL.allows)
    }

    /// The names of the outboxes that hold orders, `sale.epoch`, of one ledger's sales.
    func waiting(_ ledger: LedgerID) -> RedisKey { RedisKey(ofWaiting, ledger.text) }
    /// The dead letters of all sales of one ledger.
    func dead(_ ledger: LedgerID) -> RedisKey { RedisKey(ofDead, ledger.text) }

    /// All that is counted and known of a sale: one hash, so that it is there whole or not at all.
    func stock(_ sale: SaleID) -> RedisKey { RedisKey(ofSale, sale.text, "}:stock") }
    /// The stock that a rebuild prepares.
    func staged(_ sale: SaleID, _ token: String) -> RedisKey { RedisKey(ofSale, sale.text, "}:stock:" + token) }
    func claim(_ sale: SaleID) -> RedisKey { RedisKey(ofSale, sale.text, "}:claim") }
    /// One for each epoch, or a late acknowledgement could hit an entry of the next.
    func outbox(_ sale: SaleID, _ epoch: Int) -> RedisKey { RedisKey(ofSale, sale.text, "}:outbox:" + String(epoch)) }

    func session(_ digest: String) -> RedisKey { RedisKey(ofSession, digest) }
    /// The sessions of a user.
    func sessions(of user: UserID) -> RedisKey { RedisKey(ofUser, user.text) }
    func rate(_ name: String, _ key: String) -> RedisKey { RedisKey(ofRate + Self.word(name) + ":", key) }
    func page(_ key: String) -> RedisKey { RedisKey(ofPage, key) }
    func challenges(_ kind: String, of digest: String) -> RedisKey {
        RedisKey(ofChallenge + Self.word(kind) + ":", digest)
    }
    func queue(_ name: String) -> RedisKey { RedisKey(ofQueue, name, "}:entries") }
    func deadQueue(_ name: String) -> RedisKey { RedisKey(ofQueue, name, "}:dead") }

    /// The channel that tells what becomes of a user's orders.
    func orders(of user: UserID) -> RedisKey { RedisKey(ofUserOrders, user.text) }
    /// The channel that tells which orders of a sale are recorded.
    func orders(of sale: SaleID) -> RedisKey { RedisKey(ofSaleOrders, sale.text) }

    /// A name without the colon that ends it, so that what stands behind belongs to no other.
    private static func word(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: ":")) || name.utf8.contains(UInt8(ascii: "%")) else { return name }
        return name.replacing("%", with: "%25").replacing(":", with: "%3A")
    }
}

extension RedisConnection {
    /// The keys of a namespace in this connection's database.
    func keys(of namespace: String) -> RedisKeys {
        RedisKeys(namespace: namespace, database: configuration.database)
    }
}

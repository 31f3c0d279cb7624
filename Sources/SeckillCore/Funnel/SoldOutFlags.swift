/// The last cache level: the sales that this node knows to be sold out, so that the crowd does not reach the store.
///
/// A flag is valid for the restock version it was set at, and for one second unless the store confirms it. A buyer who
/// posts a link again must still reach the store, which knows the order. So a flag refuses an order only while this node
/// knows every order that the store has reserved in its epoch. From the last unit to the next restock none is reserved:
/// what is complete for a version stays complete. An order that is taken on another node after a restock of which this
/// node has not heard is refused until it hears: a second at most.
///
/// A node learns of the orders that it accepts itself and, for a sale that buyers have asked for on this node within the
/// last minute, of those that are recorded anywhere. ``SoldOutService`` lists the ones it has missed from the store, when
/// such a sale needs them. An order takes about 16 bytes until its sale is closed.
final class SoldOutFlags: Sendable {
    private struct Flag {
        var version = -1
        var seenAt: Duration?
        var orders = OrderKeySet()
        /// The version for which `orders` is complete.
        var completeVersion: Int?
        var isListing = false
        var listedAt: Duration?
        /// When a buyer last asked for the sale on this node.
        var askedAt: Duration?
        /// Whether this node is told of the orders that are recorded elsewhere.
        var isHeard = false

        func isOfInterest(at now: Duration) -> Bool {
            askedAt.map { now - $0 < SoldOutFlags.interestLifetime } ?? false
        }
    }

    /// What is asked of ``SoldOutService``, while it runs.
    private struct Requests {
        var listings: AsyncStream<SaleID>.Continuation?
        var interests: AsyncStream<SaleID>.Continuation?
    }

    private struct State {
        var flags: [SaleID: Flag] = [:]
        var requests = Requests()

        /// In place: a copy of the flag would be a copy of its orders.
        mutating func update<Result>(_ sale: SaleID, _ body: (inout Flag, Requests) -> Result) -> Result {
            body(&flags[sale, default: Flag()], requests)
        }
    }

    /// How long a sale is of interest to this node after a buyer has asked for it.
    static let interestLifetime: Duration = .seconds(60)
    private static let lifetime: Duration = .seconds(1)
    /// The least time between two listings of one sale.
    private static let listingInterval: Duration = .milliseconds(250)
    private let clock: any SaleClock
    private let state = Locked(State())

    init(clock: any SaleClock) { self.clock = clock }

    /// A buyer asks for `order`. Returns whether its sale is sold out and the store does not know the order.
    func refuses(_ order: OrderID) -> Bool {
        let now = clock.uptime
        return state.withLock { state in
            state.update(order.sale) { flag, requests in
                flag.askedAt = now
                if !flag.isHeard, let interests = requests.interests {
                    flag.isHeard = true
                    interests.yield(order.sale)
                }
                guard let seenAt = flag.seenAt, now - seenAt < Self.lifetime, flag.completeVersion == flag.version
                else { return false }
                return flag.orders.epoch == order.epoch && !flag.orders.contains(order.key)
            }
        }
    }

    /// Sets the flag, because the store said so, and asks for a listing if orders of a sale of interest are missing. Ignored
    /// if a later restock is known.
    func set(for sale: SaleID, version: Int) {
        let now = clock.uptime
        state.withLock { state in
            state.update(sale) { flag, requests in
                guard version >= flag.version else { return }
                (flag.version, flag.seenAt) = (version, now)
                guard let listings = requests.listings, flag.completeVersion != version, !flag.isListing,
                    flag.isOfInterest(at: now)
                else { return }
                if let listedAt = flag.listedAt, now - listedAt < Self.listingInterval { return }
                (flag.isListing, flag.listedAt) = (true, now)
                listings.yield(sale)
            }
        }
    }

    /// Units came back. Ignored if that was known already.
    func clear(for sale: SaleID, version: Int) {
        state.withLock { state in
            state.update(sale) { flag, _ in
                guard version > flag.version else { return }
                (flag.version, flag.seenAt) = (version, nil)
            }
        }
    }

    // MARK: Known orders

    /// Adds an order that the store has reserved.
    func learn(_ order: OrderID) { learn(CollectionOfOne(order.key), of: order.sale, epoch: order.epoch) }

    /// Adds orders that the store has reserved in `epoch`; those of a later epoch replace all others.
    func learn(_ keys: some Collection<UInt64>, of sale: SaleID, epoch: Int) {
        state.withLock { state in
            state.update(sale) { flag, _ in
                if epoch > flag.orders.epoch { flag.completeVersion = nil }
                flag.orders.insert(keys, of: epoch)
            }
        }
    }

    /// Forgets a sale that is over.
    func forget(_ sale: SaleID) { state.withLock { $0.flags[sale] = nil } }

    /// The sales whose orders must be listed, from now on, until the next call. Each is followed by ``endListing(of:)``.
    func listings() -> AsyncStream<SaleID> {
        let (stream, continuation) = AsyncStream.makeStream(of: SaleID.self)
        state.withLock { state in
            for sale in state.flags.keys { state.flags[sale]?.isListing = false }
            state.requests.listings = continuation
        }
        return stream
    }

    /// The sales that buyers ask for on this node, from now on, until the next call. Each is followed by
    /// ``endInterest(in:)``.
    func interests() -> AsyncStream<SaleID> {
        let (stream, continuation) = AsyncStream.makeStream(of: SaleID.self)
        state.withLock { state in
            for sale in state.flags.keys { state.flags[sale]?.isHeard = false }
            state.requests.interests = continuation
        }
        return stream
    }

    /// Returns true if nobody has asked for the sale lately: its orders need not be heard until somebody asks again.
    func endInterest(in sale: SaleID) -> Bool {
        let now = clock.uptime
        return state.withLock { state in
            guard let flag = state.flags[sale], flag.isHeard else { return true }
            guard !flag.isOfInterest(at: now) else { return false }
            state.flags[sale]?.isHeard = false
            return true
        }
    }

    /// Returns whether as many orders are known as the store has reserved.
    func knowsAll(of sale: SaleID, _ snapshot: StockSnapshot) -> Bool {
        state.withLock { state in
            guard let orders = state.flags[sale]?.orders, orders.epoch == snapshot.epoch else {
                return snapshot.sequence == 0
            }
            return orders.count >= snapshot.sequence
        }
    }

    /// Notes that every order is known that the store had reserved when it was sold out, as `snapshot` says it.
    func noteComplete(_ sale: SaleID, _ snapshot: StockSnapshot) {
        state.withLock { state in
            state.update(sale) { flag, _ in
                flag.orders.insert([], of: snapshot.epoch)
                if flag.orders.epoch == snapshot.epoch { flag.completeVersion = snapshot.version }
            }
        }
    }

    /// A listing is over, whatever came of it.
    func endListing(of sale: SaleID) { state.withLock { $0.flags[sale]?.isListing = false } }
}

/// The ``OrderID/key`` of the orders of one epoch. Two orders may share a key: then both are in it, which is harmless,
/// because the store decides about an order that is in it.
private struct OrderKeySet {
    private static let shardBits: UInt64 = 6

    private(set) var epoch = 0
    private(set) var count = 0
    // Many small sets: one that grows moves all it holds, with the lock held.
    private var shards: [Set<UInt64>] = []

    func contains(_ key: UInt64) -> Bool { !shards.isEmpty && shards[Self.shard(of: key)].contains(key) }

    mutating func insert(_ keys: some Collection<UInt64>, of epoch: Int) {
        guard epoch >= self.epoch else { return }
        if epoch > self.epoch || shards.isEmpty {
            (self.epoch, count) = (epoch, 0)
            shards = Array(repeating: [], count: 1 << Self.shardBits)
        }
        for key in keys where shards[Self.shard(of: key)].insert(key).inserted { count += 1 }
    }

    /// Keys are text and so far from random: multiplied by 2^64 over the golden ratio, the first bits are.
    private static func shard(of key: UInt64) -> Int { Int((key &* 0x9E37_79B9_7F4A_7C15) >> (64 - shardBits)) }
}

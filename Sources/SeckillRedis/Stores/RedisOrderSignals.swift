public import SeckillCore

/// What becomes of orders, told to all nodes through a channel of Redis.
///
/// Cost: one command a batch, and for listening a connection and a thread.
public struct RedisOrderSignals: OrderSignals {
    private let redis: RedisConnection
    private let channel: RedisKey
    /// Tells this node's messages from others'.
    private let node: String
    private let signals: Signals<Order>

    /// Signals between the nodes of a shop.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(_ redis: RedisConnection, namespace: String, random: any RandomSource = .system) {
        self.redis = redis
        let node = Base64URL.encode(random.bytes(9))
        self.node = node
        channel = redis.keys(of: namespace).orders
        signals = Signals(redis, channel: channel.text) { message in
            let lines = String(decoding: message, as: UTF8.self).split(separator: "\n")
            return lines.first.map { $0 == node } ?? true ? [] : lines.dropFirst().compactMap { Order(line: $0) }
        }
    }

    /// Publishes them in one message.
    public func send(_ orders: [Order]) async throws {
        var command = RedisCommand("PUBLISH", channel)
        command.append(([node] + orders.map(\.line)).joined(separator: "\n"))
        _ = try await redis.ask(command)
    }

    /// What the others publish.
    public func orders() -> AsyncStream<Order> { signals.subscribe() }
}

extension Order {
    /// Fields set apart by tabs, which no user's name holds.
    fileprivate var line: String {
        let payBy = payBy.map { String($0.milliseconds) } ?? ""
        return "\(id)\t\(status.rawValue)\t\(sequence)\t\(payBy)\t\(reason?.rawValue ?? "")\t\(user)"
    }

    fileprivate init?(line: Substring) {
        let fields = line.split(separator: "\t", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, let id = OrderID(fields[0]), let status = OrderStatus(rawValue: String(fields[1])),
            let sequence = Int(fields[2]), let user = UserID(fields[5])
        else { return nil }
        self.init(
            id: id,
            user: user,
            status: status,
            sequence: sequence,
            payBy: Int64(fields[3]).map { Timestamp(milliseconds: $0) },
            reason: RejectionReason(rawValue: String(fields[4]))
        )
    }
}

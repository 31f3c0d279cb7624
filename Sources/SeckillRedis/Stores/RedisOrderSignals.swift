public import SeckillCore

/// What becomes of orders, told through channels of Redis: one for each user and each sale, to which a node subscribes
/// while somebody listens there.
///
/// Cost: a fifth to half of a microsecond of Redis's time for an order that nobody waits for, as one command asks for
/// hundreds of channels whether somebody listens. For listening, a connection and a thread, shared with restocks.
public struct RedisOrderSignals: OrderSignals {
    private let redis: RedisConnection
    private let keys: RedisKeys
    /// Channels that are asked for in one command.
    private static let chunk = 500

    /// Signals between the nodes of a shop.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(_ redis: RedisConnection, namespace: String) {
        self.redis = redis
        keys = redis.keys(of: namespace)
    }

    /// Asks which of the users and sales are listened to, and publishes to those.
    public func send(_ orders: [Order]) async throws {
        let users = Dictionary(grouping: orders, by: \.user)
            .map { (channel: keys.orders(of: $0), message: Array($1.map(\.message).joined(separator: [newline]))) }
        let sales = RecordedKeys.recorded(in: orders).map { (channel: keys.orders(of: $0.sale), message: $0.message) }
        for messages in (users + sales).chunks(of: Self.chunk) {
            var question = RedisCommand(["PUBSUB", "NUMSUB"])
            for message in messages { question.append(message.channel) }
            // A name and a number of each, in order.
            let answer = try await redis.ask(question).array ?? []
            let commands = zip(messages, answer.indices.lazy.filter { $0 % 2 == 1 })
                .filter { answer[$1].integer != 0 }
                .map { message, _ in
                    var command = RedisCommand("PUBLISH", message.channel)
                    command.append(message.message)
                    return command
                }
            _ = try await redis.perform(commands)
        }
    }

    /// What any node publishes, this one included.
    public func orders(of user: UserID) -> AsyncStream<Order> {
        redis.subscriptions.subscribe(to: keys.orders(of: user)) { message in
            message.split(separator: newline).compactMap { Order(message: $0, of: user) }
        }
    }

    /// What any node publishes, this one included.
    public func recordedOrders(of sale: SaleID) -> AsyncStream<RecordedKeys> {
        redis.subscriptions.subscribe(to: keys.orders(of: sale)) { message in
            RecordedKeys(message: message, of: sale).map { [$0] } ?? []
        }
    }
}

private let newline = UInt8(ascii: "\n")

extension Order {
    /// Fields set apart by tabs. The channel names the user.
    fileprivate var message: [UInt8] {
        let payBy = payBy.map { String($0.milliseconds) } ?? ""
        return Array("\(id)\t\(status.rawValue)\t\(sequence)\t\(payBy)\t\(reason?.rawValue ?? "")".utf8)
    }

    fileprivate init?(message: ArraySlice<UInt8>, of user: UserID) {
        let text = String(decoding: message, as: UTF8.self)
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 5, let id = OrderID(fields[0]), let status = OrderStatus(rawValue: String(fields[1])),
            let sequence = Int(fields[2])
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

extension RecordedKeys {
    /// The epoch and the keys, eight bytes each. The channel names the sale.
    fileprivate var message: [UInt8] {
        ([UInt64(epoch)] + keys).flatMap { number in
            withUnsafeBytes(of: number.bigEndian) { Array($0) }
        }
    }

    fileprivate init?(message: [UInt8], of sale: SaleID) {
        let numbers = message.chunks(of: 8).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        guard message.count % 8 == 0, let epoch = numbers.first, epoch <= StockSnapshot.maxEpoch else { return nil }
        self.init(sale: sale, epoch: Int(epoch), keys: Array(numbers.dropFirst()))
    }
}

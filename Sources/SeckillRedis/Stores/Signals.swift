internal import Logging
internal import SeckillCore

/// What every node hears on a channel. Opens its connection when somebody first listens.
final class Signals<Signal: Sendable>: Sendable {
    private let connection: RedisConnection
    private let channel: String
    private let read: @Sendable ([UInt8]) -> [Signal]
    private let heard = Broadcast<Signal>()
    private let mailbox = Locked<Mailbox?>(nil)

    init(_ connection: RedisConnection, channel: String, read: @escaping @Sendable ([UInt8]) -> [Signal]) {
        self.connection = connection
        self.channel = channel
        self.read = read
    }

    deinit { mailbox.withLock { $0 }?.close() }

    func subscribe() -> AsyncStream<Signal> {
        do {
            try listen()
        } catch {
            // They are hints: whoever misses them looks at the store.
            connection.logger.warning(
                "signals are off",
                metadata: ["seckill.channel": "\(channel)", "error": "\(error)"]
            )
        }
        return heard.subscribe()
    }

    private func listen() throws(SeckillError) {
        let own = try mailbox.withLock { mailbox throws(SeckillError) -> Mailbox? in
            guard mailbox == nil else { return nil }
            let new = try Mailbox(limit: 0)
            mailbox = new
            return new
        }
        guard let own else { return }
        let purpose = RedisLoop.Purpose.messages(channel: channel) { [heard, read] message in heard.send(read(message))
        }
        do {
            try startThread { [configuration = connection.configuration, logger = connection.logger] in
                RedisLoop(configuration, purpose, own, logger).run()
            }
        } catch {
            // Or the next who listens would take it for running.
            mailbox.withLock { $0 = nil }
            throw error
        }
    }
}

extension Signals<Restock> {
    /// Each message is `sale version`.
    convenience init(_ connection: RedisConnection, channel: String) {
        self.init(connection, channel: channel) { message in
            let words = String(decoding: message, as: UTF8.self).split(separator: " ")
            guard words.count == 2, let sale = SaleID(words[0]), let version = Int(words[1]),
                // A number beyond it is no version, and would be later than every other for ever.
                (0...StockSnapshot.firstVersion(of: StockSnapshot.maxEpoch + 1)).contains(version)
            else { return [] }
            return [Restock(sale: sale, version: version)]
        }
    }
}

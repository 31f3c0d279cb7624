internal import Logging
internal import SeckillCore

/// What every node hears when a sale gains units. Opens its connection when somebody first listens.
final class RestockSignals: Sendable {
    private let connection: RedisConnection
    private let channel: String
    private let heard = Broadcast<Restock>()
    private let mailbox = Locked<Mailbox?>(nil)

    init(_ connection: RedisConnection, channel: String) {
        self.connection = connection
        self.channel = channel
    }

    deinit { mailbox.withLock { $0 }?.close() }

    func subscribe() -> AsyncStream<Restock> {
        do {
            try listen()
        } catch {
            // They are hints: whoever misses them looks at the store.
            connection.logger.warning("restock signals are off", metadata: ["error": "\(error)"])
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
        let purpose = RedisLoop.Purpose.messages(channel: channel) { [heard] message in
            if let restock = Restock(message) { heard.send([restock]) }
        }
        try startThread { [configuration = connection.configuration, logger = connection.logger] in
            RedisLoop(configuration, purpose, own, logger).run()
        }
    }
}

extension Restock {
    /// Read from `sale version`.
    fileprivate init?(_ message: [UInt8]) {
        let words = String(decoding: message, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let sale = SaleID(words[0]), let version = Int(words[1]) else { return nil }
        self.init(sale: sale, version: version)
    }
}

extension FlashSale {
    /// The numbers that a shop may want to change.
    ///
    /// A ``FlashSale`` replaces a value outside its range by the nearest value in range. Durations are at most
    /// 10^9 seconds.
    public struct Configuration: Hashable, Sendable {
        /// What ``FlashSale/run()`` does in this process.
        public enum Role: String, Hashable, Sendable, CaseIterable {
            /// Everything.
            case all
            /// Only what a node that answers buyers needs.
            case web
            /// Orders, expiry and returns, for web nodes elsewhere.
            case worker
        }

        /// What ``FlashSale/run()`` does in this process.
        public var role: Role = .all
        /// How long a link sells: 1 s or more.
        public var linkLifetime: Duration = .seconds(600)
        /// How long a session lasts without use: 1 s or more.
        public var sessionLifetime: Duration = .seconds(86_400)
        /// What "try again later" means where nothing better is known: 0 or more.
        public var retryAfter: Duration = .seconds(1)
        /// Ledger rows a second at most, 1 or more; nil for as fast as it goes.
        public var ledgerRate: Int?
        /// Rows in one ledger transaction at most: 1 to 10,000.
        public var batch = 500
        /// How long to rest after a batch that was not full, so that the next is larger: every batch costs the store a look
        /// and the ledger a commit, however few orders are in it. An order's status may come that much later. Not beside
        /// a ``ledgerRate``, which makes rests enough.
        public var linger: Duration = .milliseconds(20)
        /// Names this process among the workers of one store.
        public var consumer = ConsumerID("worker")
        /// How long another consumer may hold an order before it is taken over: 1 ms or more.
        public var takeOver: Duration = .seconds(30)
        /// Deliveries after which an order that cannot be recorded is put aside: 1 or more.
        public var maxDeliveries = 5
        /// How often deadlines, returns and stores are looked at: every millisecond at most.
        public var sweep: Duration = .milliseconds(250)
        /// How long shutdown may spend on orders that are queued: 0 or more.
        public var drainLimit: Duration = .seconds(8)

        /// The defaults.
        public init() {}

        /// This configuration with every value in its range.
        var inRange: Configuration {
            func duration(_ value: Duration, from least: Duration) -> Duration {
                min(max(value, least), .seconds(1_000_000_000))
            }
            var copy = self
            copy.linkLifetime = duration(linkLifetime, from: .seconds(1))
            copy.sessionLifetime = duration(sessionLifetime, from: .seconds(1))
            copy.retryAfter = duration(retryAfter, from: .zero)
            copy.ledgerRate = ledgerRate.map { max($0, 1) }
            copy.batch = min(max(batch, 1), 10_000)
            copy.linger = duration(linger, from: .zero)
            copy.takeOver = duration(takeOver, from: .milliseconds(1))
            copy.maxDeliveries = max(maxDeliveries, 1)
            copy.sweep = duration(sweep, from: .milliseconds(1))
            copy.drainLimit = duration(drainLimit, from: .zero)
            return copy
        }
    }
}

extension FlashSale {
    /// The numbers that a shop may want to change.
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
        /// How long a link sells.
        public var linkLifetime: Duration = .seconds(600)
        /// How long a session lasts without use.
        public var sessionLifetime: Duration = .seconds(86_400)
        /// What "try again later" means where nothing better is known.
        public var retryAfter: Duration = .seconds(1)
        /// Ledger rows a second at most; nil for as fast as it goes.
        public var ledgerRate: Int?
        /// Rows in one ledger transaction at most.
        public var batch = 500
        /// How long to rest after a batch that was not full, so that the next is larger: every batch costs the store a look
        /// and the ledger a commit, however few orders are in it. An order's status may come that much later. Not beside
        /// a ``ledgerRate``, which makes rests enough.
        public var linger: Duration = .milliseconds(20)
        /// Names this process among the workers of one store.
        public var consumer = ConsumerID("worker")
        /// How long another consumer may hold an order before it is taken over.
        public var takeOver: Duration = .seconds(30)
        /// Deliveries after which an order that cannot be recorded is put aside.
        public var maxDeliveries = 5
        /// How often deadlines, returns and stores are looked at.
        public var sweep: Duration = .milliseconds(250)
        /// How long shutdown may spend on orders that are queued.
        public var drainLimit: Duration = .seconds(8)

        /// The defaults.
        public init() {}
    }
}

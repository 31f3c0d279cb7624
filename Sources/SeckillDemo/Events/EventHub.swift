internal import CoreMetrics
internal import NIOCore
internal import SeckillCore
internal import ServiceLifecycle

/// The event streams of this node. What becomes of a sale is heard once, written down once and handed to all who listen to
/// it; what becomes of an order, to its user. Nobody who works on a purchase waits for that.
final class EventHub: Service {
    private struct Listener: Sendable {
        var sale: SaleID
        var mailbox: EventMailbox
        var until: Duration = .zero
        /// Ends a reader that does not read.
        var drop: @Sendable () -> Void
    }

    private struct State: Sendable {
        var next = 0
        var isOver = false
        /// What is to be told of each sale: the latest, should it change while a crowd is being told.
        var news: [SaleID: SaleStatus] = [:]
        var listeners: [Int: Listener] = [:]
        var ofSale: [SaleID: Set<Int>] = [:]
    }

    private static let slice = 64
    private static let pause: Duration = .milliseconds(5)
    private static let greetingInterval: Duration = .seconds(15)
    /// Who is logged in is asked when a stream begins, and so it has to begin anew now and then.
    private static let lifetime: Duration = .seconds(600)
    private let flashSale: FlashSale
    private let clock: any SaleClock
    /// How many may listen at once.
    private let limit: Int
    private let state = Locked(State())
    private let gauge = Gauge(label: "seckill_event_streams")
    private let refused = Counter(label: "seckill_event_streams_refused_total")

    init(flashSale: FlashSale, clock: any SaleClock, limit: Int) {
        self.flashSale = flashSale
        self.clock = clock
        self.limit = limit
    }

    var listenerCount: Int { state.withLock { $0.listeners.count } }

    /// Throws if there are as many listeners as there may be.
    func requireRoom() throws {
        guard listenerCount >= limit else { return }
        refused.increment()
        throw Problem(
            .unavailable,
            "Too many event streams are open: ask for the sale itself.",
            retryAfter: .seconds(15)
        )
    }

    /// Tells everybody until graceful shutdown, and then that it is over.
    func run() async throws {
        let sales = flashSale.saleEvents()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                let (bell, rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
                group.addTask {
                    for await sale in sales {
                        self.state.withLock { $0.news[sale.record.sale.id] = sale }
                        rope.yield()
                    }
                }
                group.addTask {
                    for await _ in bell {
                        while let sale = self.takeNews() { await self.tell(sale) }
                    }
                }
                group.addTask { await self.greet() }
            }
        }
        let listeners = state.withLock { state in
            state.isOver = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.mailbox.close() }
    }

    /// Listens to a sale, and to the orders of `user` in it, until the hub is over, ten to fifteen minutes have passed or
    /// `send` throws; not at all if there is no room. Cancelled while `send` does not return for two greetings in a row.
    func listen(
        to sale: SaleID,
        as user: UserID?,
        _ send: @escaping @Sendable (EventMailbox) async throws -> Void
    ) async throws {
        let mailbox = EventMailbox()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (stream, drop) = AsyncStream.makeStream(of: Void.self)
            guard let id = add(Listener(sale: sale, mailbox: mailbox, drop: { drop.finish() })) else {
                return
            }
            defer { remove(id) }
            if let user {
                let orders = flashSale.orderEvents(of: user)
                group.addTask {
                    for await order in orders where order.id.sale == sale {
                        mailbox.put(Self.event("order", .order(order)), of: order.id)
                    }
                }
            }
            group.addTask { try await send(mailbox) }
            group.addTask {
                for await _ in stream {}
                try Task.checkCancellation()
                throw SlowReader()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    struct SlowReader: Error {}

    private func tell(_ status: SaleStatus) async {
        let mailboxes = state.withLock { state in
            (state.ofSale[status.record.sale.id] ?? []).compactMap { state.listeners[$0]?.mailbox }
        }
        guard !mailboxes.isEmpty else { return }
        let event = Self.event("sale", .sale(status))
        for (number, mailbox) in mailboxes.enumerated() {
            mailbox.put(sale: event)
            await rest(after: number)
        }
    }

    static func event(_ name: String, _ json: JSON) -> ByteBuffer {
        var event = ByteBuffer(string: "event: \(name)\ndata: ")
        event.writeBytes(json.bytes)
        event.writeString("\n\n")
        return event
    }

    private func greet() async {
        while (try? await clock.sleep(for: Self.greetingInterval)) != nil {
            for (number, listener) in state.withLock({ Array($0.listeners.values) }).enumerated() {
                if !listener.mailbox.greet() { listener.drop() }
                if listener.until <= clock.uptime { listener.mailbox.close() }
                await rest(after: number)
            }
        }
    }

    /// Wakes a crowd of readers in slices: a purchase that comes meanwhile waits for one of them, not for ten thousand.
    private func rest(after number: Int) async {
        guard number % Self.slice == Self.slice - 1 else { return }
        // Cancelled, it tells the rest without resting.
        try? await clock.sleep(for: Self.pause)
    }

    private func takeNews() -> SaleStatus? { state.withLock { $0.news.popFirst()?.value } }

    private func add(_ listener: Listener) -> Int? {
        state.withLock { state in
            guard !state.isOver, state.listeners.count < limit else { return nil }
            state.next += 1
            var listener = listener
            // A crowd that came together does not come back together.
            listener.until = clock.uptime + Self.lifetime + .seconds(state.next % 300)
            state.listeners[state.next] = listener
            state.ofSale[listener.sale, default: []].insert(state.next)
            gauge.record(state.listeners.count)
            return state.next
        }
    }

    private func remove(_ id: Int) {
        state.withLock { state in
            guard let listener = state.listeners.removeValue(forKey: id) else { return }
            gauge.record(state.listeners.count)
            state.ofSale[listener.sale]?.remove(id)
            if state.ofSale[listener.sale]?.isEmpty == true { state.ofSale[listener.sale] = nil }
        }
    }
}

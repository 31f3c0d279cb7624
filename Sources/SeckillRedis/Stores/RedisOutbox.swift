internal import SeckillCore

/// The outboxes of all sales, as one source.
///
/// Redis keeps a set of the outboxes that hold orders, and changes it in the same step as the outboxes. Only those are
/// looked at, so that sales without orders cost nothing. A look is at a random sample of them, in a random order and for
/// an equal share of what was asked for, so that no backlog holds up the others. What the shares leave over goes to those
/// that have more. The set is repaired by each ``RedisStockStore/snapshot(of:)`` of a sale with orders.
struct RedisOutbox: OrderSource {
    /// The outbox of one sale.
    struct Lane: Hashable, Sendable {
        let sale: SaleID
        let epoch: Int
    }

    /// How far a node has got in looking for orders to take over.
    struct TakeOverScan: Sendable {
        /// Where to go on in the set of outboxes.
        var cursor = start
        /// How far the outboxes have been searched for orphans: this time around, and the time before.
        private var orphans: [Lane: OrphanScan] = [:]
        private var before: [Lane: OrphanScan] = [:]

        static let start = "0"

        subscript(lane: Lane) -> OrphanScan {
            get { orphans[lane] ?? before[lane] ?? OrphanScan() }
            set { orphans[lane] = newValue }
        }

        /// Goes on behind a page. At the end, outboxes that were not met any more are forgotten.
        mutating func turnPage(to next: String) {
            cursor = next
            if next == Self.start { (before, orphans) = (orphans, [:]) }
        }
    }

    /// As many outboxes are asked in one look for orders.
    private static let sampleSize = 500
    /// As many are looked at in one search for orders to take over, or a few more.
    private static let searchSize = 1000
    private static let pageSize = 250

    let store: RedisStockStore
    let clock: any SaleClock

    private var redis: RedisConnection { store.redis }
    private var keys: RedisKeys { store.keys }
    private var waiting: RedisKey { store.waiting }

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await clock.poll(for: wait) { try await receive(max, as: consumer) }
    }

    private func receive(_ max: Int, as consumer: ConsumerID) async throws -> [Delivery] {
        let session = try redis.session()
        let sample = RedisCommand("SRANDMEMBER", waiting, "\(Self.sampleSize)")
        let lanes = try await lanes(try await ask(sample, on: session), on: session)
        return try await collect(max, from: lanes, atOnce: Self.sampleSize, on: session) { lane, share, _ in
            stream(lane).receive(share, as: consumer)
        } read: { lane, answer in
            RedisStream.received(answer).map { lane.delivery($0, count: 1) }
        }
    }

    /// Asks lanes in a random order, some at once and each for an equal share, until there are `max` deliveries or no lane
    /// has more, or nothing is to be asked of it.
    private func collect(
        _ max: Int,
        from lanes: [Lane],
        atOnce: Int,
        on session: RedisSession,
        ask: (Lane, _ share: Int, _ isFirst: Bool) -> RedisCommand?,
        read: (Lane, RedisValue) -> [Delivery]
    ) async throws -> [Delivery] {
        var waiting = lanes.shuffled(by: store.random)[...]
        var more: [Lane] = []
        var isFirst = true
        var found: [Delivery] = []
        var failure: (any Error)?
        while found.count < max, !waiting.isEmpty {
            let asked = waiting.prefix(min(max - found.count, atOnce))
            waiting = waiting.dropFirst(asked.count)
            let share = (max - found.count) / asked.count
            let commands = asked.compactMap { ask($0, share, isFirst) }
            guard commands.count == asked.count else { break }
            let answers: [RedisValue]
            do {
                if found.isEmpty { try Task.checkCancellation() }
                // Not cancelled half-way: what Redis has handed out, a consumer must hold.
                answers = try await redis.perform(commands, on: session, toTheEnd: true)
            } catch {
                failure = error
                break
            }
            for (lane, answer) in zip(asked, answers) {
                if case .error(let error) = answer {
                    do { try await look(at: lane, after: error, on: session) } catch { failure = failure ?? error }
                    continue
                }
                let deliveries = read(lane, answer)
                found += deliveries
                if deliveries.count == share { more.append(lane) }
            }
            if waiting.isEmpty {
                // What is left goes to those that had as much as they were asked for.
                waiting = more[...]
                more = []
                isFirst = false
            }
        }
        // They are handed out, even if another lane fails: the next call reports the failure.
        if found.isEmpty, let failure { throw failure }
        return found
    }

    func acknowledge(_ deliveries: [Delivery]) async throws {
        let session = try redis.session()
        var ids: [Lane: [String]] = [:]
        for delivery in deliveries {
            guard let (lane, id) = Lane.of(delivery.receipt) else { continue }
            ids[lane, default: []].append(id)
        }
        let batches = ids.flatMap { lane, ids in
            ids.chunks(of: RedisStream.maxAcknowledged).map { (lane: lane, ids: $0) }
        }
        let answers = try await redis.performInPieces(
            batches.map { stream($0.lane).acknowledge($0.ids) },
            on: session
        )
        // Those of the other lanes are acknowledged, whatever became of one.
        var failure: SeckillError?
        for (batch, answer) in zip(batches, answers) {
            guard case .error(let error) = answer else { continue }
            let own = await store.failure(error, of: batch.lane.sale, epoch: batch.lane.epoch, on: session)
            failure = failure ?? own
        }
        if let failure { throw failure }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        let session = try redis.session()
        let now = clock.uptime
        var taken: [Delivery] = []
        var seen: Set<Lane> = []
        repeat {
            let page = try await page(from: store.takeOverScan.withLock(\.cursor), on: session)
            // Redis may name one twice, and a second look would take over what the first has just taken.
            let lanes = page.lanes.filter { seen.insert($0).inserted }
            // Each is a script that reads up to a page.
            taken += try await collect(max - taken.count, from: lanes, atOnce: 50, on: session) {
                lane,
                share,
                isFirst in
                let scan = store.takeOverScan.withLock { $0[lane] }
                let idle = isFirst ? scan.idle(idle, at: now) : idle
                guard isFirst || idle > .zero else { return nil }
                return stream(lane).takeOver(share, idle: idle, as: consumer, from: scan.cursor)
            } read: { lane, answer in
                let found = RedisStream.takenOver(answer)
                store.takeOverScan.withLock { $0[lane].note(found, at: now) }
                return found.entries.map { lane.delivery($0.entry, count: $0.count) }
            }
            // The page may hold more.
            if taken.count >= max { return taken }
            store.takeOverScan.withLock { $0.turnPage(to: page.next) }
            if page.next == TakeOverScan.start { break }
        } while seen.count < Self.searchSize
        return taken
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        guard let (lane, id) = Lane.of(delivery.receipt) else { return }
        let entry = StreamEntry(id: id, content: delivery.content)
        let command = stream(lane).deadLetter(entry, because: reason)
        _ = try await store.run(command, for: lane.sale, epoch: lane.epoch, on: try redis.session())
    }

    func depth() async throws -> QueueDepth {
        let session = try redis.session()
        var depth = StreamDepth()
        var seen: Set<Lane> = []
        var cursor = TakeOverScan.start
        repeat {
            let page = try await page(from: cursor, on: session)
            let keys = page.lanes.filter { seen.insert($0).inserted }.map { stream($0).key }
            if !keys.isEmpty { depth.add(try await ask(StreamDepth.question(keys), on: session)) }
            cursor = page.next
        } while cursor != TakeOverScan.start
        let answers = try await redis.perform([RedisCommand("XLEN", store.dead), ["TIME"]], on: session)
        return depth.queueDepth(at: answers[1].timestamp, deadLettered: answers[0].integer ?? 0)
    }

    // MARK: Lanes

    /// Some of the outboxes that hold orders, from behind `cursor`.
    private func page(from cursor: String, on session: RedisSession) async throws -> (lanes: [Lane], next: String) {
        let scan = RedisCommand("SSCAN", waiting, cursor, "COUNT", "\(Self.pageSize)")
        let answer = try await ask(scan, on: session).array ?? []
        guard answer.count == 2, let next = answer[0].text else { return ([], TakeOverScan.start) }
        return (try await lanes(answer[1], on: session), next)
    }

    /// Asks something of the set. If there is something else in its place, that is removed: snapshots restore the set.
    private func ask(_ command: RedisCommand, on session: RedisSession) async throws -> RedisValue {
        do {
            return try await redis.perform(command, on: session)
        } catch let error as RedisError {
            guard error.cause == "WRONGTYPE" else { throw redis.failure(error, on: session) }
            return try await redis.perform(RedisCommand("UNLINK", waiting), on: session)
        }
    }

    /// Reads members of the set. What names no outbox is removed.
    private func lanes(_ members: RedisValue, on session: RedisSession) async throws -> [Lane] {
        var lanes: [Lane] = []
        for case .bytes(let bytes) in members.array ?? [] {
            if let lane = Lane(String(decoding: bytes, as: UTF8.self)) {
                lanes.append(lane)
            } else {
                var removal = RedisCommand("SREM", waiting)
                removal.append(bytes)
                _ = try await redis.perform(removal, on: session)
            }
        }
        return lanes
    }

    private func stream(_ lane: Lane) -> RedisStream { store.outboxStream(of: lane.sale, lane.epoch) }

    /// An outbox that cannot be read was removed by a rebuild, or somebody meddled with it. If its sale is still in that
    /// epoch, the sale is closed until it is rebuilt.
    private func look(at lane: Lane, after error: RedisError, on session: RedisSession) async throws {
        guard error.isOfDamagedData, !error.isOfAnotherServer else {
            throw await store.failure(error, of: lane.sale, epoch: lane.epoch, on: session)
        }
        try await store.distrust(lane.sale, epoch: lane.epoch)
        _ = try await redis.perform(RedisCommand("SREM", waiting, lane.name), on: session)
    }
}

extension RedisOutbox.Lane {
    /// As scripts name it.
    var name: String { "\(sale).\(epoch)" }

    /// The outbox of a ``name``.
    init?(_ name: some StringProtocol) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let sale = SaleID(parts[0]), let epoch = Int(parts[1]),
            (1...StockSnapshot.maxEpoch).contains(epoch), "\(epoch)" == parts[1]
        else { return nil }
        self.init(sale: sale, epoch: epoch)
    }

    fileprivate func delivery(_ entry: StreamEntry, count: Int) -> Delivery {
        Delivery(receipt: "\(name).\(entry.id)", content: entry.content, count: count)
    }

    /// The outbox that a receipt is of, and the entry's id.
    fileprivate static func of(_ receipt: String) -> (lane: Self, id: String)? {
        guard let dot = receipt.lastIndex(of: "."), let lane = Self(receipt[..<dot]) else { return nil }
        return (lane, String(receipt[receipt.index(after: dot)...]))
    }
}

internal import SeckillCore

/// The outboxes of all sales, as one source.
///
/// Each time it looks at a number of sales, those that had something last time among them, in a random order and for an
/// equal share of what was asked for, so that no backlog holds up the others. What the shares leave over goes to those that
/// have more.
struct RedisOutbox: OrderSource {
    /// The outbox of one sale.
    struct Lane: Hashable, Sendable {
        let sale: SaleID
        let epoch: Int
        let stream: RedisStream
    }

    /// The lanes as they were read. Another node's rebuild is seen when they are read again, at the latest.
    struct Lanes: Sendable {
        /// Reading them costs a command each.
        private static let lifetime: Duration = .milliseconds(250)
        private static let lifetimeOfEach: Duration = .microseconds(250)
        /// So many idle sales are looked at in one look.
        private static let window = 250

        let lanes: [Lane]
        let readAt: Duration
        private var next = 0
        private var busy: Set<SaleID> = []

        init(_ lanes: [Lane], after former: Lanes?, at now: Duration) {
            self.lanes = lanes
            readAt = now
            next = former?.next ?? 0
            busy = former?.busy ?? []
        }

        func isFresh(at now: Duration) -> Bool { now - readAt < max(Self.lifetime, Self.lifetimeOfEach * lanes.count) }

        /// Those to look at now.
        mutating func turn() -> [Lane] {
            guard lanes.count > Self.window else { return lanes }
            let start = next % lanes.count
            next = start + Self.window
            let window = Set((start..<next).map { $0 % lanes.count })
            return lanes.enumerated().filter { window.contains($0.offset) || busy.contains($0.element.sale) }
                .map(\.element)
        }

        mutating func note(_ sale: SaleID, isBusy: Bool) {
            if isBusy { busy.insert(sale) } else { busy.remove(sale) }
        }
    }

    let store: RedisStockStore
    let clock: any SaleClock
    let retention: Duration

    private var redis: RedisConnection { store.redis }
    private var keys: RedisKeys { store.keys }

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await clock.poll(for: wait) { try await receive(max, as: consumer) }
    }

    private func receive(_ max: Int, as consumer: ConsumerID) async throws -> [Delivery] {
        _ = try await lanes()
        let turn = store.lanes.withLock { $0?.turn() ?? [] }
        return try await collect(max, from: turn, atOnce: 500) { lane, share, _ in
            lane.stream.receive(share, as: consumer)
        } read: { lane, answer in
            let entries = RedisStream.received(answer)
            store.lanes.withLock { $0?.note(lane.sale, isBusy: !entries.isEmpty) }
            return entries.map { lane.delivery($0, count: 1) }
        }
    }

    /// Asks lanes in a random order, some at once and each for an equal share, until there are `max` deliveries or no lane
    /// has more, or nothing is to be asked of it.
    private func collect(
        _ max: Int,
        from lanes: [Lane],
        atOnce: Int,
        ask: (Lane, _ share: Int, _ isFirst: Bool) -> RedisCommand?,
        read: (Lane, RedisValue) -> [Delivery]
    ) async throws -> [Delivery] {
        let session = try redis.session()
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
        var order: [Lane] = []
        var ids: [Lane: [String]] = [:]
        for delivery in deliveries {
            guard let (lane, id) = lane(of: delivery.receipt) else { continue }
            if ids[lane] == nil { order.append(lane) }
            ids[lane, default: []].append(id)
        }
        for lane in order {
            for batch in ids[lane, default: []].chunks(of: RedisStream.maxAcknowledged) {
                let command = lane.stream.acknowledge(batch)
                _ = try await store.run(command, for: lane.sale, epoch: lane.epoch, on: session)
            }
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        let lanes = try await lanes()
        let now = clock.uptime
        // Each is a script that reads up to a page.
        let taken = try await collect(max, from: lanes, atOnce: 50) { lane, share, isFirst in
            let scan = store.scans.withLock { $0[lane] ?? OrphanScan() }
            let idle = isFirst ? scan.idle(idle, at: now) : idle
            // A second look would take over what the first has just taken.
            guard isFirst || idle > .zero else { return nil }
            return lane.stream.takeOver(share, idle: idle, as: consumer, from: scan.cursor)
        } read: { lane, answer in
            let found = RedisStream.takenOver(answer)
            store.scans.withLock { $0[lane, default: OrphanScan()].note(found, at: now) }
            return found.entries.map { lane.delivery($0.entry, count: $0.count) }
        }
        store.scans.withLock { scans in
            let present = Set(lanes)
            scans = scans.filter { present.contains($0.key) }
        }
        return taken
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        guard let (lane, id) = lane(of: delivery.receipt) else { return }
        let entry = StreamEntry(id: id, content: delivery.content)
        let command = lane.stream.deadLetter(entry, because: reason)
        _ = try await store.run(command, for: lane.sale, epoch: lane.epoch, on: try redis.session())
    }

    func depth() async throws -> QueueDepth {
        let session = try redis.session()
        var depth = QueueDepth(count: 0, age: .zero, deadLettered: 0)
        let answers = try await redis.performInPieces(try await lanes().flatMap(\.stream.depth), on: session)
        for answers in answers.chunks(of: 4) {
            let own = RedisStream.depth(Array(answers))
            depth.count += own.count
            depth.deadLettered += own.deadLettered
            depth.age = max(depth.age, own.age)
        }
        return depth
    }

    // MARK: Lanes

    /// The outbox of every sale that may have something in it, as of a moment ago.
    private func lanes() async throws -> [Lane] {
        let now = clock.uptime
        let known = store.lanes.withLock { $0 }
        if let known, known.isFresh(at: now) { return known.lanes }
        let lanes = try await readLanes()
        store.lanes.withLock { $0 = Lanes(lanes, after: $0, at: now) }
        return lanes
    }

    /// Retires those that will never have anything in them again.
    private func readLanes() async throws -> [Lane] {
        let session = try redis.session()
        let sales = Set(try await announced(on: session)).sorted { $0.text < $1.text }
        let questions = sales.map { RedisCommand("HMGET", keys.stock($0), "ledger", "epoch", "closes", "admission") }
        let answers = try await redis.performInPieces([["TIME"]] + questions, on: session)
        let now = answers[0].timestamp
        var lanes: [Lane] = []
        for (sale, answer) in zip(sales, answers.dropFirst()) {
            // Without an epoch, the sale waits for a rebuild, which drains its outbox. The orders of another ledger are for
            // its workers.
            guard let held = answer.array, held.count == 4, held[0].text == store.ledger.text,
                let epoch = held[1].integer, (1...StockSnapshot.maxEpoch).contains(epoch)
            else { continue }
            let lane = lane(sale, epoch)
            if RedisStockStore.isOver(held[2], held[3], at: now), try await retire(lane, on: session) { continue }
            lanes.append(lane)
        }
        return lanes
    }

    private func announced(on session: RedisSession) async throws -> [SaleID] {
        do {
            let members = try await redis.perform(RedisCommand("SMEMBERS", keys.sales), on: session).array ?? []
            return members.compactMap { $0.text.flatMap { SaleID($0) } }
        } catch let error as RedisError {
            // No list any more: the next look of any node at a sale makes it one again.
            if error.kind == "WRONGTYPE" { return [] }
            throw redis.failure(error, on: session)
        }
    }

    private func lane(_ sale: SaleID, _ epoch: Int) -> Lane {
        Lane(sale: sale, epoch: epoch, stream: store.outboxStream(of: sale, epoch))
    }

    private func lane(of receipt: String) -> (Lane, id: String)? {
        let parts = receipt.split(separator: ".")
        guard parts.count == 3, let sale = SaleID(parts[0]), let epoch = Int(parts[1]) else { return nil }
        return (lane(sale, epoch), String(parts[2]))
    }

    /// A sale that is over sells nothing more, so an outbox that is empty stays so. False if it is not empty.
    private func retire(_ lane: Lane, on session: RedisSession) async throws -> Bool {
        let length = RedisCommand("XLEN", lane.stream.key)
        guard try await store.run(length, for: lane.sale, epoch: lane.epoch, on: session).integer == 0 else {
            return false
        }
        let lifetime = "\(retention.asLifetime)"
        let kept = [keys.stock(lane.sale), lane.stream.key, lane.stream.dead]
        _ = try await redis.perform(
            [RedisCommand("SREM", keys.sales, lane.sale.text)] + kept.map { RedisCommand("PEXPIRE", $0, lifetime) },
            on: session
        )
        return true
    }

    /// An outbox that cannot be read although its sale is in that epoch was meddled with: the sale is closed until it
    /// is rebuilt. One that has just been replaced by a rebuild is nothing to worry about.
    private func look(at lane: Lane, after error: RedisError, on session: RedisSession) async throws {
        store.forgetLanes()
        guard error.isOfDamagedData, !error.isOfAnotherServer else {
            throw await store.failure(error, of: lane.sale, epoch: lane.epoch, on: session)
        }
        try await store.distrust(lane.sale, epoch: lane.epoch)
    }
}

extension RedisOutbox.Lane {
    fileprivate func delivery(_ entry: StreamEntry, count: Int) -> Delivery {
        Delivery(receipt: "\(sale).\(epoch).\(entry.id)", content: entry.content, count: count)
    }
}

internal import SeckillCore

/// The outboxes of all sales, as one source.
///
/// Each time it looks, it looks at all sales, in a random order and for an equal share of what was asked for, so that
/// no backlog holds up the others.
struct RedisOutbox: OrderSource {
    /// The outbox of one sale.
    struct Lane: Hashable, Sendable {
        let sale: SaleID
        let epoch: Int
        let stream: RedisStream
    }

    /// The lanes as they were read. Another node's rebuild is seen when they are read again, at the latest.
    struct Lanes: Sendable {
        static let lifetime: Duration = .milliseconds(250)

        let lanes: [Lane]
        let readAt: Duration
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
        let session = try redis.session()
        var waiting = try await lanes().shuffled(by: store.random)[...]
        var failure: (any Error)?
        while !waiting.isEmpty, max > 0 {
            let asked = waiting.prefix(max)
            waiting = waiting.dropFirst(max)
            let share = max / asked.count
            // Not cancelled half-way: what Redis has handed out, somebody must hold.
            let answers = try await redis.perform(
                asked.map { $0.stream.receive(share, as: consumer) },
                on: session,
                toTheEnd: true
            )
            var found: [Delivery] = []
            for (lane, answer) in zip(asked, answers) {
                if case .error(let error) = answer {
                    do { try await look(at: lane, after: error, on: session) } catch { failure = failure ?? error }
                } else {
                    found += RedisStream.received(answer).map { lane.delivery($0, count: 1) }
                }
            }
            // They are handed out, whatever is wrong with other lanes: whoever asks again is told.
            if !found.isEmpty { return found }
        }
        if let failure { throw failure }
        return []
    }

    func acknowledge(_ deliveries: [Delivery]) async throws {
        let session = try redis.session()
        var ids: [Lane: [String]] = [:]
        for delivery in deliveries {
            guard let (lane, id) = lane(of: delivery.receipt) else { continue }
            ids[lane, default: []].append(id)
        }
        for (lane, ids) in ids {
            for batch in ids.chunks(of: RedisStream.maxAcknowledged) {
                _ = try await store.run(lane.stream.acknowledge(batch), for: lane.sale, on: session)
            }
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        let session = try redis.session()
        var taken: [Delivery] = []
        var failure: (any Error)?
        for lane in try await lanes() where taken.count < max {
            do {
                try Task.checkCancellation()
                taken += try await takeOver(max - taken.count, from: lane, idle: idle, as: consumer, on: session)
            } catch {
                failure = failure ?? error
            }
        }
        if taken.isEmpty, let failure { throw failure }
        return taken
    }

    private func takeOver(
        _ max: Int,
        from lane: Lane,
        idle: Duration,
        as consumer: ConsumerID,
        on session: RedisSession
    ) async throws -> [Delivery] {
        do {
            let command = lane.stream.takeOver(max, idle: idle, as: consumer)
            let answer = try await redis.perform(command, on: session, toTheEnd: true)
            return RedisStream.takenOver(answer).map { lane.delivery($0.entry, count: $0.count) }
        } catch let error as RedisError {
            try await look(at: lane, after: error, on: session)
            return []
        }
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        guard let (lane, id) = lane(of: delivery.receipt) else { return }
        let entry = StreamEntry(id: id, content: delivery.content)
        let command = lane.stream.deadLetter(entry, because: reason)
        _ = try await store.run(command, for: lane.sale, on: try redis.session())
    }

    func depth() async throws -> QueueDepth {
        let session = try redis.session()
        var depth = QueueDepth(count: 0, age: .zero, deadLettered: 0)
        let answers = try await redis.perform(try await lanes().flatMap(\.stream.depth), on: session)
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
        if let known = store.lanes.withLock({ $0 }), now - known.readAt < Lanes.lifetime { return known.lanes }
        let lanes = try await readLanes()
        store.lanes.withLock { $0 = Lanes(lanes: lanes, readAt: now) }
        return lanes
    }

    /// Retires those that will never have anything in them again.
    private func readLanes() async throws -> [Lane] {
        let session = try redis.session()
        let sales = Set(try await announced(on: session)).sorted { $0.text < $1.text }
        let questions = sales.map { RedisCommand("HMGET", keys.stock($0), "epoch", "closes", "admission") }
        let answers = try await redis.perform([["TIME"]] + questions, on: session)
        let now = answers[0].timestamp
        var lanes: [Lane] = []
        for (sale, answer) in zip(sales, answers.dropFirst()) {
            // Without one, the sale waits for a rebuild, which drains its outbox.
            guard let terms = answer.array, terms.count == 3, let epoch = terms[0].integer else { continue }
            let lane = lane(sale, epoch)
            if RedisStockStore.isOver(terms[1], terms[2], at: now), try await retire(lane, on: session) { continue }
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
        let stream = RedisStream(
            outbox: keys.outbox(sale, epoch),
            dead: keys.dead(sale),
            stock: keys.stock(sale),
            epoch: epoch
        )
        return Lane(sale: sale, epoch: epoch, stream: stream)
    }

    private func lane(of receipt: String) -> (Lane, id: String)? {
        let parts = receipt.split(separator: ".")
        guard parts.count == 3, let sale = SaleID(parts[0]), let epoch = Int(parts[1]) else { return nil }
        return (lane(sale, epoch), String(parts[2]))
    }

    /// A sale that is over sells nothing more, so an outbox that is empty stays so. False if it is not empty.
    private func retire(_ lane: Lane, on session: RedisSession) async throws -> Bool {
        guard try await store.run(RedisCommand("XLEN", lane.stream.key), for: lane.sale, on: session).integer == 0
        else {
            return false
        }
        let lifetime = "\(retention.milliseconds)"
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
            throw await store.failure(error, of: lane.sale, on: session)
        }
        try await store.distrust(lane.sale, epoch: lane.epoch)
    }
}

extension RedisOutbox.Lane {
    fileprivate func delivery(_ entry: StreamEntry, count: Int) -> Delivery {
        Delivery(receipt: "\(sale).\(epoch).\(entry.id)", content: entry.content, count: count)
    }
}

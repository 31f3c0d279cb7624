public import SeckillCore

/// Orders on a Redis stream: a broker for a relay to feed.
///
/// It goes by what the stream says and knows no fence: a queue that lost orders is noticed by the reconciler, as with
/// any broker. With `appendfsync everysec` a crash of the machine loses the orders of about the last second.
public struct RedisOrderQueue: OrderQueue {
    private let redis: RedisConnection
    private let stream: RedisStream
    private let clock: any SaleClock
    private let scan = Locked(OrphanScan())

    /// The queue of this name.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(
        _ redis: RedisConnection,
        name: String = "orders",
        namespace: String,
        clock: any SaleClock = .system
    ) {
        self.redis = redis
        self.clock = clock
        let keys = redis.keys(of: namespace)
        stream = RedisStream(queue: keys.queue(name), dead: keys.deadQueue(name))
    }

    /// Appends, all or none.
    public func append(_ reservations: [Reservation]) async throws {
        if reservations.isEmpty { return }
        var command = RedisScript.append.call([stream.key])
        for reservation in reservations {
            command.append("\(reservation.order) \(reservation.words)")
        }
        _ = try await redis.ask(command)
    }

    /// Entries that nobody holds.
    public func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        if max < 1 { return [] }
        return try await clock.poll(for: wait) {
            let answer = try await withGroup {
                try await redis.perform(stream.receive(max, as: consumer), toTheEnd: true)
            }
            return RedisStream.received(answer).map { Delivery(receipt: $0.id, content: $0.content, count: 1) }
        }
    }

    /// Removes entries for good.
    public func acknowledge(_ deliveries: [Delivery]) async throws {
        for batch in deliveries.map(\.receipt).chunks(of: RedisStream.maxAcknowledged) {
            _ = try await redis.ask(stream.acknowledge(batch))
        }
    }

    /// Entries that were held for too long.
    public func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        if max < 1 { return [] }
        try Task.checkCancellation()
        let (now, scan) = (clock.uptime, scan.withLock { $0 })
        let command = stream.takeOver(max, idle: scan.idle(idle, at: now), as: consumer, from: scan.cursor)
        let answer = try await withGroup { try await redis.perform(command, toTheEnd: true) }
        let taken = RedisStream.takenOver(answer)
        self.scan.withLock { $0.note(taken, at: now) }
        return taken.entries.map { Delivery(receipt: $0.entry.id, content: $0.entry.content, count: $0.count) }
    }

    /// Moves an entry aside.
    public func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        let entry = StreamEntry(id: delivery.receipt, content: delivery.content)
        _ = try await redis.ask(stream.deadLetter(entry, because: reason))
    }

    /// How much waits, and for how long.
    public func depth() async throws -> QueueDepth {
        let questions = [StreamDepth.question([stream.key]), RedisCommand("XLEN", stream.dead), ["TIME"]]
        let answers = try await redis.perform(questions)
        var depth = StreamDepth()
        depth.add(answers[0])
        return depth.queueDepth(at: answers[2].timestamp, deadLettered: answers[1].integer ?? 0)
    }

    /// A queue comes into being when it is first used, and again if it is deleted.
    private func withGroup(_ body: () async throws -> RedisValue) async throws -> RedisValue {
        do {
            do {
                return try await body()
            } catch let error as RedisError where error.cause == "NOGROUP" {
                try await createGroup()
                return try await body()
            }
        } catch let error as RedisError {
            throw error.asSeckillError
        }
    }

    private func createGroup() async throws {
        do {
            _ = try await redis.perform(stream.createGroup)
        } catch let error as RedisError where error.kind == "BUSYGROUP" {
            // Another was faster.
        }
    }
}

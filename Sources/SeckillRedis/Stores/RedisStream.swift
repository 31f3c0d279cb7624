internal import SeckillCore

/// A stream that holds reservations, and the commands for it: an outbox, or a queue.
struct RedisStream: Hashable, Sendable {
    static let group = "workers"
    /// As many ids as Lua can hand on at once, with room to spare.
    static let maxAcknowledged = 1000

    let key: RedisKey
    let dead: RedisKey
    /// The name of an outbox, `sale.epoch`; empty for a queue.
    private let name: String
    /// Only for an outbox: the stock that counts what is settled.
    private let stock: RedisKey?
    /// Only for an outbox: the set of the names of those that hold orders.
    private let waiting: RedisKey?

    init(outbox key: RedisKey, named name: String, dead: RedisKey, stock: RedisKey, waiting: RedisKey) {
        self.key = key
        self.dead = dead
        self.name = name
        self.stock = stock
        self.waiting = waiting
    }

    init(queue key: RedisKey, dead: RedisKey) {
        self.key = key
        self.dead = dead
        name = ""
        stock = nil
        waiting = nil
    }

    func receive(_ max: Int, as consumer: ConsumerID) -> RedisCommand {
        var command = RedisCommand(["XREADGROUP", "GROUP", Self.group, consumer.text, "COUNT", "\(max)", "STREAMS"])
        command.append(key)
        command.append(">")
        return command
    }

    var createGroup: RedisCommand {
        var command: RedisCommand = ["XGROUP", "CREATE"]
        command.append(key)
        for word in [Self.group, "0", "MKSTREAM"] { command.append(word) }
        return command
    }

    func acknowledge(_ ids: some Sequence<String>) -> RedisCommand {
        var command = RedisScript.acknowledge.call([key] + [stock, waiting].compactMap(\.self))
        command.append(name)
        for id in ids { command.append(id) }
        return command
    }

    func takeOver(
        _ max: Int,
        idle: Duration,
        as consumer: ConsumerID,
        from cursor: String
    ) -> RedisCommand {
        var command = RedisScript.takeOver.call([key] + [waiting].compactMap(\.self))
        command.append(consumer.text)
        command.append(idle.asLifetime)
        command.append(max)
        command.append(cursor)
        command.append(OrphanScan.page)
        command.append(name)
        return command
    }

    func deadLetter(_ entry: StreamEntry, because reason: String) -> RedisCommand {
        var command = RedisScript.deadLetter.call([key, dead] + [stock, waiting].compactMap(\.self))
        command.append(name)
        command.append(entry.id)
        command.append(reason)
        if case .reservation = entry.content { command.append("1") } else { command.append("0") }
        return command
    }

    /// What ``receive(_:as:)`` was answered.
    static func received(_ value: RedisValue) -> [StreamEntry] {
        guard let entries = value.array?.first?.array?.last?.array else { return [] }
        return entries.compactMap(StreamEntry.init)
    }

    /// What ``takeOver(_:idle:as:from:)`` was answered.
    static func takenOver(_ value: RedisValue) -> TakenOver {
        guard let answer = value.array, answer.count == 3 else { return TakenOver() }
        let entries = (answer[0].array ?? []).compactMap { value -> (StreamEntry, Int)? in
            guard let parts = value.array, parts.count == 3, let count = parts[1].integer,
                let entry = StreamEntry(.array([parts[0], parts[2]]))
            else { return nil }
            return (entry, count)
        }
        return TakenOver(entries: entries, next: answer[1].text ?? "", oldest: answer[2].text ?? "")
    }
}

/// How many entries some streams hold, and since when the oldest has been there.
struct StreamDepth {
    private var count = 0
    private var oldest: Timestamp?

    /// Asks what ``add(_:)`` reads.
    static func question(_ streams: [RedisKey]) -> RedisCommand { RedisScript.depth.call(streams) }

    /// Adds what the question was answered.
    mutating func add(_ answer: RedisValue) {
        guard let parts = answer.array, parts.count == 2, let own = parts[0].integer else { return }
        count += own
        guard let time = parts[1].text.flatMap({ Int64($0) }) else { return }
        let first = Timestamp(milliseconds: time)
        oldest = min(oldest ?? first, first)
    }

    /// The depth at a time of Redis.
    func queueDepth(at now: Timestamp, deadLettered: Int) -> QueueDepth {
        QueueDepth(count: count, age: oldest.map { max(.zero, now - $0) } ?? .zero, deadLettered: deadLettered)
    }
}

/// What a look for entries to take over has found.
struct TakenOver {
    var entries: [(entry: StreamEntry, count: Int)] = []
    /// Behind which entry to look for orphans next; empty for the beginning.
    var next = ""
    /// The oldest entry that was handed out, if the look began at the beginning.
    var oldest = ""
}

/// How far the search for orphans has got in one stream: entries that were handed out and that no consumer holds.
///
/// Also notices an oldest entry that stays and stays, whatever Redis's clock says of it: that clock may have been set back,
/// or somebody may claim the entry again and again.
struct OrphanScan: Sendable {
    static let page = 500

    private(set) var cursor = ""
    private var oldest = ""
    private var since: Duration = .zero

    /// For how long an entry must have been held to be taken over.
    func idle(_ idle: Duration, at now: Duration) -> Duration {
        !oldest.isEmpty && now - since >= idle * 4 ? .zero : idle
    }

    mutating func note(_ found: TakenOver, at now: Duration) {
        if cursor.isEmpty, oldest != found.oldest { (oldest, since) = (found.oldest, now) }
        cursor = found.next
    }
}

/// One entry of a stream.
struct StreamEntry: Hashable, Sendable {
    let id: String
    let content: Delivery.Content

    init(id: String, content: Delivery.Content) {
        self.id = id
        self.content = content
    }

    /// Reads `[id, [field, value, …]]`; nil if it is not even that.
    init?(_ value: RedisValue) {
        guard let parts = value.array, parts.count == 2, let id = parts[0].text else { return nil }
        self.id = id
        content = Self.read(parts[1].array ?? [], of: id)
    }

    private static func read(_ fields: [RedisValue], of id: String) -> Delivery.Content {
        guard fields.count == 2, fields[0].text == "order", let words = fields[1].words(4),
            let order = OrderID(words[0]), let reservation = Reservation(order, words[1...])
        else {
            // No more of it: it may be a user's.
            return .unreadable("entry \(id) with \(fields.count / 2) fields is no reservation")
        }
        return .reservation(reservation)
    }
}

extension Reservation {
    /// Scripts write no number that is higher, as of sequences, or of milliseconds until the year 33,658.
    private static var limit: Int { 1_000_000_000_000_000 }

    /// What is kept of it beside its order: sequence, time and user.
    var words: String { "\(sequence) \(reservedAt.milliseconds) \(user)" }

    /// The reservation of `order` from the ``words`` that are kept of it.
    init?(_ order: OrderID, _ words: ArraySlice<String>) {
        let limit = Self.limit
        guard words.count == 3, let first = words.first, let sequence = Int(first), (1..<limit).contains(sequence),
            let at = Int64(words[words.startIndex + 1]), (0..<Int64(limit)).contains(at),
            let user = UserID(words[words.startIndex + 2])
        else { return nil }
        self.init(order: order, user: user, sequence: sequence, reservedAt: Timestamp(milliseconds: at))
    }
}

extension RedisValue {
    /// So many words with a space between them, the last of which may hold more. By bytes, for that is what a space is to
    /// whoever wrote them: as Characters, it is another with a combining mark behind it. Nil if it is no UTF-8.
    func words(_ count: Int) -> [String]? {
        guard case .bytes(let bytes) = self else { return nil }
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: count - 1, omittingEmptySubsequences: false)
        let texts = words.compactMap { String(validating: $0, as: UTF8.self) }
        return texts.count == count ? texts : nil
    }

    /// Read from the answer to TIME.
    var timestamp: Timestamp {
        let parts = array?.compactMap(\.integer) ?? []
        guard parts.count == 2 else { return Timestamp(milliseconds: 0) }
        return Timestamp(milliseconds: 0) + .seconds(parts[0]) + .microseconds(parts[1])
    }
}

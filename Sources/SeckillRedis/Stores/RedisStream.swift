internal import SeckillCore

/// A stream that holds reservations, and the commands for it: an outbox, or a queue.
struct RedisStream: Hashable, Sendable {
    static let group = "workers"
    /// As many ids as Lua can hand on at once, with room to spare.
    static let maxAcknowledged = 1000

    let key: RedisKey
    let dead: RedisKey
    /// Only for an outbox: the stock that counts what is settled, and the epoch in which it does.
    private let stock: RedisKey?
    private let epoch: Int

    init(outbox key: RedisKey, dead: RedisKey, stock: RedisKey, epoch: Int) {
        self.key = key
        self.dead = dead
        self.stock = stock
        self.epoch = epoch
    }

    init(queue key: RedisKey, dead: RedisKey) {
        self.key = key
        self.dead = dead
        stock = nil
        epoch = 0
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
        var command = RedisScript.acknowledge.call([key] + [stock].compactMap(\.self))
        command.append(epoch)
        for id in ids { command.append(id) }
        return command
    }

    func takeOver(
        _ max: Int,
        idle: Duration,
        as consumer: ConsumerID,
        from cursor: String
    ) -> RedisCommand {
        var command = RedisScript.takeOver.call([key])
        command.append(consumer.text)
        command.append(idle.asLifetime)
        command.append(max)
        command.append(cursor)
        command.append(OrphanScan.page)
        return command
    }

    func deadLetter(_ entry: StreamEntry, because reason: String) -> RedisCommand {
        var command = RedisScript.deadLetter.call([key, dead] + [stock].compactMap(\.self))
        command.append(epoch)
        command.append(entry.id)
        command.append(reason)
        if case .reservation = entry.content { command.append("1") } else { command.append("0") }
        return command
    }

    /// What ``depth(_:)`` reads.
    var depth: [RedisCommand] {
        [
            RedisCommand("XLEN", key), RedisCommand("XRANGE", key, "-", "+", "COUNT", "1"), RedisCommand("XLEN", dead),
            ["TIME"],
        ]
    }

    static func depth(_ answers: [RedisValue]) -> QueueDepth {
        guard answers.count == 4 else { return QueueDepth(count: 0, age: .zero, deadLettered: 0) }
        // The first part of an entry's id is its time.
        let oldest = answers[1].array?.first?.array?.first?.text.flatMap { Int64($0.prefix { $0 != "-" }) }
        return QueueDepth(
            count: answers[0].integer ?? 0,
            age: oldest.map { max(.zero, answers[3].timestamp - Timestamp(milliseconds: $0)) } ?? .zero,
            deadLettered: answers[2].integer ?? 0
        )
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

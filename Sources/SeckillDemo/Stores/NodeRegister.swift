internal import SeckillCore
internal import SeckillRedis

/// The nodes of a shop that share a Redis, by which they notice that their signing secrets differ.
///
/// A hash has an entry for each node: when it joined, when it last wrote, and the fingerprints of its secrets. A node that
/// has not written for ten seconds is gone. Of two nodes that do not accept each other's links, the one that joined later
/// is at fault.
final class NodeRegister: Sendable {
    private static let lifetime = 10_000
    private static let retention = 60_000

    private let redis: RedisConnection
    private let key: String
    private let id = Base64URL.encode(SystemRandom().bytes(9))
    private let fingerprints: [String]
    private let joinedAt = Locked<Int?>(nil)

    init(_ redis: Backends.SharedRedis, fingerprints: [String]) {
        self.redis = redis.connection
        key = "seckill:\(redis.namespace):nodes"
        self.fingerprints = fingerprints
    }

    /// Writes this node's entry and reads the others'.
    /// - Returns: whether all nodes that joined before this one accept its links, and this one accepts theirs.
    func agrees() async throws -> Bool {
        let now = try await milliseconds()
        let joinedAt = joinedAt.withLock { joinedAt in
            defer { joinedAt = joinedAt ?? now }
            return joinedAt ?? now
        }
        let own = Entry(id: id, joinedAt: joinedAt, seenAt: now, fingerprints: fingerprints)
        _ = try await redis.send(["HSET", key, id, own.text])
        _ = try await redis.send(["PEXPIRE", key, "\(Self.retention)"])
        var others: [Entry] = []
        for entry in try await entries() where entry.id != id {
            if now - entry.seenAt > Self.retention { _ = try await redis.send(["HDEL", key, entry.id]) }
            if now - entry.seenAt <= Self.lifetime { others.append(entry) }
        }
        return others.allSatisfy { $0.joined(after: own) || $0.agrees(with: own) }
    }

    /// Removes this node's entry.
    func leave() async {
        // Otherwise it ends by itself.
        _ = try? await redis.send(["HDEL", key, id])
    }

    private func milliseconds() async throws -> Int {
        guard let time = try await redis.send(["TIME"]).array, time.count == 2,
            let seconds = time[0].text.flatMap({ Int($0) }), let micros = time[1].text.flatMap({ Int($0) }),
            seconds < 1 << 40
        else { throw SeckillError(.unavailable, "unexpected reply to TIME") }
        return seconds * 1000 + micros / 1000
    }

    private func entries() async throws -> [Entry] {
        var entries: [Entry] = []
        var cursor = "0"
        // A shop has few nodes. What is not read now is read the next time.
        for _ in 1...10 {
            guard let page = try await redis.send(["HSCAN", key, cursor, "COUNT", "1000"]).array, page.count == 2,
                let next = page[0].text, let fields = page[1].array
            else { throw SeckillError(.unavailable, "unexpected reply to HSCAN") }
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let id = fields[index].text, let text = fields[index + 1].text, let entry = Entry(id, text) else {
                    continue
                }
                entries.append(entry)
            }
            cursor = next
            if cursor == "0" { break }
        }
        return entries
    }
}

extension NodeRegister {
    /// What a node says of itself.
    struct Entry: Hashable {
        var id: String
        var joinedAt: Int
        var seenAt: Int
        /// The signing secret's first.
        var fingerprints: [String]

        func agrees(with other: Entry) -> Bool {
            fingerprints.contains(other.fingerprints[0]) && other.fingerprints.contains(fingerprints[0])
        }

        func joined(after other: Entry) -> Bool { (joinedAt, id) > (other.joinedAt, other.id) }

        var text: String { "\(joinedAt) \(seenAt) \(fingerprints.joined(separator: ","))" }
    }
}

extension NodeRegister.Entry {
    /// The entry that ``text`` was written of; nil if it is none.
    init?(_ id: String, _ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, let joinedAt = Int(words[0]), let seenAt = Int(words[1]),
            (0..<1 << 53).contains(joinedAt), (0..<1 << 53).contains(seenAt)
        else { return nil }
        self.init(
            id: id,
            joinedAt: joinedAt,
            seenAt: seenAt,
            fingerprints: words[2].split(separator: ",").map { String($0) }
        )
        guard !fingerprints.isEmpty else { return nil }
    }
}

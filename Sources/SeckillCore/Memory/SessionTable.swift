/// The sessions of a store in this process, by the digests of their tokens: how many there may be, and which of them make
/// room. A plain value; its owner locks it.
///
/// **Cost**: constant for every call but ``inOrderOfCreation()``.
package struct SessionTable: Sendable {
    private struct Entry: Sendable {
        var session: Session
        /// Counts sessions in the order of their creation.
        let number: Int
    }

    /// Sessions that nobody has used since they were created, the oldest first.
    private var unused = LinkedTable<String, Entry>()
    /// The others, those that were used or refreshed longest ago first.
    private var used = LinkedTable<String, Entry>()
    /// The digests of each user's sessions, in the order of their creation.
    private var ofUser = PartitionedDictionary<UserID, [String]>()
    private var created = 0

    package init() {}

    /// Sessions that are kept. Some of them may have ended.
    package var count: Int { unused.count + used.count }

    /// Returns a session unless it has ended.
    package func session(_ digest: String, at now: Timestamp) -> Session? {
        guard let session = (used[digest] ?? unused[digest])?.session, session.expiresAt > now else { return nil }
        return session
    }

    /// Whose session it is, though it may have ended.
    package func user(of digest: String) -> UserID? { (used[digest] ?? unused[digest])?.session.user }

    /// Adds a session, in the place of another if its user has too many, or if there are `limit`.
    /// - Returns: the digests of the sessions that went.
    package mutating func add(_ session: Session, _ digest: String, limit: Int, at now: Timestamp) -> [String] {
        var gone = endedFirst(at: now)
        for digest in gone { remove(digest) }
        let own = ofUser[session.user] ?? []
        if own.count >= SessionBounds.perUser {
            let oldest = own.first { self.session($0, at: now) == nil } ?? own[0]
            remove(oldest)
            gone.append(oldest)
        }
        while count >= limit, let first = unused.first ?? used.first {
            remove(first.key)
            gone.append(first.key)
        }
        created += 1
        unused[digest] = Entry(session: session, number: created)
        ofUser[session.user, default: []].append(digest)
        return gone
    }

    /// Returns a session unless it has ended, and marks it as used.
    package mutating func lookUp(_ digest: String, at now: Timestamp) -> (session: Session, isFirstUse: Bool)? {
        if let session = used[digest]?.session { return session.expiresAt > now ? (session, false) : nil }
        guard let session = unused[digest]?.session, session.expiresAt > now else { return nil }
        return (session, use(digest))
    }

    /// Notes that a session is used.
    /// - Returns: whether it was not before.
    package mutating func use(_ digest: String) -> Bool {
        guard let entry = unused[digest] else { return false }
        unused[digest] = nil
        used[digest] = entry
        return true
    }

    /// Lets a session end at `end`, and notes that it was refreshed.
    package mutating func extend(_ digest: String, to end: Timestamp) {
        _ = use(digest)
        guard var entry = used[digest] else { return }
        entry.session.expiresAt = end
        used[digest] = entry
        used.moveToEnd(digest)
    }

    /// Lets a session that has not ended last until `end`, or as long as it would anyway.
    /// - Returns: the session, and whether it lasts longer than before; nil if it has ended.
    package mutating func refresh(
        _ digest: String,
        to end: Timestamp,
        at now: Timestamp
    ) -> (session: Session, isLonger: Bool)? {
        guard var session = session(digest, at: now) else { return nil }
        guard session.expiresAt < end else { return (session, false) }
        extend(digest, to: end)
        session.expiresAt = end
        return (session, true)
    }

    /// Removes a session.
    /// - Returns: whether it was there.
    @discardableResult
    package mutating func remove(_ digest: String) -> Bool {
        guard let user = user(of: digest) else { return false }
        used[digest] = nil
        unused[digest] = nil
        let rest = (ofUser[user] ?? []).filter { $0 != digest }
        ofUser[user] = rest.isEmpty ? nil : rest
        return true
    }

    /// All sessions, in the order of their creation. **Cost**: sorts them.
    package func inOrderOfCreation() -> [(digest: String, session: Session)] {
        var all: [(number: Int, digest: String, session: Session)] = []
        all.reserveCapacity(count)
        for row in [unused, used] { row.forEach { all.append(($1.number, $0, $1.session)) } }
        all.sort { $0.number < $1.number }
        return all.map { ($0.digest, $0.session) }
    }

    /// Calls `body` with the digest of each session that was used, in the order in which they were used or refreshed last.
    package func forEachUsed(_ body: (String) -> Void) { used.forEach { digest, _ in body(digest) } }

    /// The first of each row, if they have ended: a little at every call, so that it is forgotten without a search.
    private func endedFirst(at now: Timestamp) -> [String] {
        [unused.first, used.first].compactMap { first in
            first.flatMap { $0.value.session.expiresAt <= now ? $0.key : nil }
        }
    }
}

/// How many sessions there may be.
package enum SessionBounds {
    /// Of one user: enough for all their devices.
    package static let perUser = 10
}

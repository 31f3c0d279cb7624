internal import SeckillCore

/// What a session journal says, one byte in front of each entry. A number is never used again for something else.
enum SessionEntry: UInt8 {
    /// A session begins, or lasts longer than was said before.
    case session = 1
    /// A session has ended, or made room for another.
    case revoked = 2
    /// A session was used for the first time.
    case used = 3
}

extension SessionTable {
    /// Applies the entries of one frame. How many there were.
    ///
    /// Every session that made room is named in the journal, so no bound is applied here but that of a user's sessions, which
    /// earlier journals do not know.
    mutating func replay(_ body: inout ByteReader) throws(ByteReader.Malformed) -> Int {
        var count = 0
        while !body.isAtEnd {
            guard let entry = SessionEntry(rawValue: try body.byte()) else { throw ByteReader.Malformed() }
            let digest = try body.text()
            guard SessionToken.isDigest(digest) else { throw ByteReader.Malformed() }
            switch entry {
            case .session:
                guard let user = UserID(try body.text()) else { throw ByteReader.Malformed() }
                let end = try body.moment()
                if self.user(of: digest) == user {
                    extend(digest, to: end)
                } else {
                    remove(digest)
                    _ = add(Session(user: user, expiresAt: end), digest, limit: .max, at: Timestamp(milliseconds: .min))
                }
            case .revoked: remove(digest)
            case .used: _ = use(digest)
            }
            count += 1
        }
        return count
    }
}

extension [UInt8] {
    mutating func append(_ session: Session, digest: String) {
        append(SessionEntry.session.rawValue)
        append(text: digest)
        append(text: session.user.text)
        append(signed: session.expiresAt.milliseconds)
    }

    mutating func append(revoked digest: String) {
        append(SessionEntry.revoked.rawValue)
        append(text: digest)
    }

    mutating func append(used digest: String) {
        append(SessionEntry.used.rawValue)
        append(text: digest)
    }
}

/// The sessions of one moment on their way into a new file, without those that had ended: in the order of their creation, then
/// the used ones in that of their last use. Capturing it copies nothing; writing to the table copies a piece of it for each
/// piece that is written to.
struct SessionImage: JournalImage {
    private static let entriesInFrame = 4096

    let table: SessionTable
    let now: Timestamp

    func write(_ emit: (Frame) throws(FileError) -> Void) throws(FileError) {
        let live = table.inOrderOfCreation().filter { $0.session.expiresAt > now }
        try write(live, emit) { $0.append($1.session, digest: $1.digest) }
        var used: [String] = []
        table.forEachUsed { used.append($0) }
        try write(used.filter { table.session($0, at: now) != nil }, emit) { $0.append(used: $1) }
    }

    private func write<Item>(
        _ items: [Item],
        _ emit: (Frame) throws(FileError) -> Void,
        _ encode: (inout [UInt8], Item) -> Void
    ) throws(FileError) {
        for start in stride(from: 0, to: items.count, by: Self.entriesInFrame) {
            var frame = Frame()
            for item in items[start..<min(start + Self.entriesInFrame, items.count)] {
                frame.append { encode(&$0, item) }
            }
            try emit(frame)
        }
    }
}

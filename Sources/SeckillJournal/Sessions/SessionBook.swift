internal import SeckillCore

/// All sessions of a journal, by digest. A plain value; its owner locks it.
struct SessionBook: Sendable {
    /// What a session journal says, one byte in front of each entry. A number is never used again for something else.
    enum Entry: UInt8 {
        /// A session begins, or lasts longer than was said before.
        case session = 1
        /// A session has ended.
        case revoked = 2
    }

    private typealias Sessions = PartitionedDictionary<String, Session>

    static var partitionCount: Int { Sessions.partitionCount }

    private var sessions = Sessions()

    var count: Int { sessions.count }

    subscript(digest: String) -> Session? {
        get { sessions[digest] }
        set { sessions[digest] = newValue }
    }

    /// Forgets the ended sessions of one part of all, a small one.
    mutating func forgetEnded(inPartition partition: Int, at now: Timestamp) {
        sessions.filter(partition: partition) { $0.expiresAt > now }
    }

    func sessions(inPartition partition: Int) -> [String: Session] { sessions.entries(in: partition) }

    /// Applies the entries of one frame. How many there were.
    mutating func replay(_ body: inout ByteReader) throws(ByteReader.Malformed) -> Int {
        var count = 0
        while !body.isAtEnd {
            guard let entry = Entry(rawValue: try body.byte()) else { throw ByteReader.Malformed() }
            let digest = try body.text()
            guard SessionToken.isDigest(digest) else { throw ByteReader.Malformed() }
            switch entry {
            case .session:
                guard let user = UserID(try body.text()) else { throw ByteReader.Malformed() }
                sessions[digest] = Session(user: user, expiresAt: try body.moment())
            case .revoked: sessions[digest] = nil
            }
            count += 1
        }
        return count
    }
}

extension [UInt8] {
    mutating func append(_ session: Session, digest: String) {
        append(SessionBook.Entry.session.rawValue)
        append(text: digest)
        append(text: session.user.text)
        append(signed: session.expiresAt.milliseconds)
    }

    mutating func append(revoked digest: String) {
        append(SessionBook.Entry.revoked.rawValue)
        append(text: digest)
    }
}

/// The sessions of one moment on their way into a new file, without those that had ended. Capturing it copies nothing;
/// writing to the book copies one part of it for each part that is written to.
struct SessionImage: JournalImage {
    let book: SessionBook
    let now: Timestamp

    func write(_ emit: (Frame) throws(FileError) -> Void) throws(FileError) {
        for partition in 0..<SessionBook.partitionCount {
            var frame = Frame()
            for (digest, session) in book.sessions(inPartition: partition) where session.expiresAt > now {
                frame.append { $0.append(session, digest: digest) }
            }
            if !frame.isEmpty { try emit(frame) }
        }
    }
}

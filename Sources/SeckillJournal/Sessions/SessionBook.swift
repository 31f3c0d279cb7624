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

    private(set) var sessions: [String: Session] = [:]

    var count: Int { sessions.count }

    subscript(digest: String) -> Session? {
        get { sessions[digest] }
        set { sessions[digest] = newValue }
    }

    mutating func forgetEnded(at now: Timestamp) { sessions = sessions.filter { $0.value.expiresAt > now } }

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

/// A session book on its way into a new file.
struct SessionImage: JournalImage {
    private static let piece = 2048
    let book: SessionBook

    func write(_ emit: (Frame) throws(FileError) -> Void) throws(FileError) {
        var frame = Frame()
        for (index, (digest, session)) in book.sessions.enumerated() {
            frame.append { $0.append(session, digest: digest) }
            if (index + 1).isMultiple(of: Self.piece) {
                try emit(frame)
                frame = Frame()
            }
        }
        if !frame.isEmpty { try emit(frame) }
    }
}

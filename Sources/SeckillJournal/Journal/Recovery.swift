internal import SeckillCore

/// What was found in a journal when it was opened.
struct Recovery: Sendable {
    /// Good entries.
    var entries = 0
    /// Of these, the ones of the last group, if nothing shows that it was durable before the end came: their callers
    /// may not have been answered. They are in the file, so from now on they have happened.
    var inDoubt = 0
    /// Where the last good group begins.
    var lastFrame = JournalHeader.size
    /// Bytes of a last group that was never finished.
    var torn = 0
    /// The file was shorter than it is ever made: somebody else has cut it.
    var wasCut = false

    /// Whether anything that was in the file may be gone.
    var mayLack: Bool { torn > 0 || wasCut }
}

/// A journal that has been read, and not been changed in any way.
struct FoundJournal: Sendable {
    let path: String
    let kind: JournalHeader.Kind
    /// Nil if there is none.
    var file: JournalFile?
    var recovery = Recovery()
    /// How long reading it took.
    var time: Duration
}

extension JournalFile {
    /// Makes durable what was read, and cuts off what was never finished behind it. What the last process left in the
    /// system's cache must not be relied on before.
    /// - Parameter lack: what the file must say from now on if it may lack something.
    mutating func recover(_ recovery: Recovery, saying lack: Frame) throws(FileError) {
        // If its sync failed, the system may take its pages for clean, and a sync alone would write nothing.
        if recovery.inDoubt > 0 { try rewrite(from: recovery.lastFrame) }
        guard recovery.mayLack else { return try file.sync() }
        // First: once it is cut, nothing else in the file shows that it ever held more.
        if !lack.isEmpty { try commitTorn(lack.sealed(salt: salt)) }
        try cut()
    }

    /// Reads a journal, without changing it.
    static func read(
        _ file: any File,
        _ path: String,
        _ kind: JournalHeader.Kind,
        replay: (inout ByteReader) throws(ByteReader.Malformed) -> Int
    ) throws -> (JournalFile, Recovery) {
        let size = try file.size()
        let header = try header(of: file, path, kind)
        var reader = FrameReader(file, salt: header.salt, from: JournalHeader.size, to: size)
        var recovery = Recovery()
        do {
            while true {
                let start = reader.offset
                let entries = try reader.next { body in
                    var body = ByteReader(body)
                    return try replay(&body)
                }
                guard let entries else { break }
                recovery.lastFrame = start
                recovery.entries += entries
                recovery.inDoubt = entries
            }
        } catch is ByteReader.Malformed {
            throw SeckillError(
                .invalid,
                "\(path) holds an entry that this version does not understand, or that cannot be where it is, before byte "
                    + "\(reader.offset). Nothing was changed. Start the version that wrote it. If this is the one, the file "
                    + "was altered: bring back an intact copy, or move the file away, and stock is rebuilt from the ledger."
            )
        }
        switch try reader.rest() {
        case .zeros: break
        case .torn(let until): recovery.torn = until - reader.offset
        case .frame(let place):
            throw SeckillError(
                .invalid,
                "\(path) is damaged between bytes \(reader.offset) and \(place), where it was good and durable before. "
                    + "Nothing was changed. Bring back an intact copy, or move the file away: stock is then rebuilt "
                    + "from the ledger, and orders that were acknowledged but not yet recorded there are lost."
            )
        }
        recovery.wasCut = size % step != 0
        return (JournalFile(file, header, end: reader.offset, size: size), recovery)
    }

    private static func header(of file: any File, _ path: String, _ kind: JournalHeader.Kind) throws -> JournalHeader {
        var bytes = [UInt8](repeating: 0, count: JournalHeader.size)
        _ = try file.read(into: &bytes, at: 0)
        switch JournalHeader.decode(bytes, expecting: kind) {
        case .success(let header): return header
        case .failure(.newer(let version)):
            throw SeckillError(
                .invalid,
                "\(path) has format \(version), and this version knows \(JournalHeader.version) at most. "
                    + "Nothing was changed. Start the version that wrote it; or if there is none, the file's beginning is "
                    + "damaged: bring back an intact copy, or move the file away."
            )
        case .failure(.foreign):
            throw SeckillError(
                .invalid,
                "\(path) is no journal of \(kind), or its beginning is damaged. Nothing was changed. Give another path "
                    + "if it is something else; if it is damaged, bring back an intact copy, or move the file away."
            )
        case .failure(.damaged):
            throw SeckillError(
                .invalid,
                "the first \(JournalHeader.size) bytes of \(path) are damaged. Nothing was changed. Bring back an "
                    + "intact copy, or move the file away."
            )
        }
    }
}

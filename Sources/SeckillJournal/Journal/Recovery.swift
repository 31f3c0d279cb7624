internal import SeckillCore

/// What was found in a journal when it was opened.
struct Recovery: Sendable {
    /// Good entries.
    var entries = 0
    /// Of these, the ones of the last group, if nothing shows that it was durable before the end came: their callers
    /// may not have been answered. They are in the file, so from now on they have happened.
    var inDoubt = 0
    /// Bytes of a last group that was never finished, now removed.
    var torn = 0
    /// The file was shorter than it is ever made: somebody else has cut it.
    var wasCut = false

    /// Whether anything that was in the file may be gone.
    var mayLack: Bool { torn > 0 || wasCut }
}

extension JournalFile {
    /// Opens the journal at `path` and hands the body of every frame to `replay`, which says how many entries it
    /// holds. Nil if there is no file.
    ///
    /// Cuts a torn end off, and returns only once everything that was read is durable: what the last process left in
    /// the system's cache must not be relied on before.
    /// - Throws: a ``SeckillError`` that says what to do: `unavailable` if the system refuses, `invalid` if the file is
    ///   not what it should be; then nothing has been changed.
    static func open(
        _ path: String,
        _ kind: JournalHeader.Kind,
        in files: any FileSystem,
        replay: (inout ByteReader) throws(ByteReader.Malformed) -> Int
    ) throws -> (JournalFile, Recovery)? {
        do {
            guard let file = try files.open(path, writing: true) else { return nil }
            var (journal, recovery) = try read(file, path, kind, replay: replay)
            if recovery.mayLack { try journal.cut() } else { try journal.file.sync() }
            return (journal, recovery)
        } catch let error as FileError {
            throw SeckillError(.unavailable, "the journal cannot be opened: \(error)")
        }
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
            while let entries = try reader.next({ body in
                var body = ByteReader(body)
                return try replay(&body)
            }) {
                recovery.entries += entries
                recovery.inDoubt = entries
            }
        } catch is ByteReader.Malformed {
            throw SeckillError(
                .invalid,
                "\(path) holds an entry that this version does not understand, before byte \(reader.offset). "
                    + "Nothing was changed. Start the version that wrote it."
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
                    + "Start the version that wrote it."
            )
        case .failure(.foreign):
            throw SeckillError(.invalid, "\(path) is no journal of \(kind). It was not touched; give another path.")
        case .failure(.damaged):
            throw SeckillError(
                .invalid,
                "the first \(JournalHeader.size) bytes of \(path) are damaged. Nothing was changed. Bring back an "
                    + "intact copy, or move the file away."
            )
        }
    }
}

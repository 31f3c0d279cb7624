internal import Logging
internal import SeckillCore

/// Where journals lie, and how they are opened.
struct JournalDirectory: Sendable {
    let path: String
    let files: any FileSystem
    let clock: any SaleClock
    let random: any RandomSource
    let logger: Logger

    static func file(_ name: String, in path: String) -> String { "\(path)/\(name).journal" }

    /// Makes the directory if need be, and makes it this process's own.
    func lock() throws(SeckillError) -> any FileLock {
        do {
            if try files.makeDirectory(path) { try files.syncDirectory(parent) }
            return try files.lock("\(path)/lock")
        } catch {
            guard let holder = error.lockHolder else {
                throw SeckillError(.unavailable, "the journal's directory cannot be used: \(error)")
            }
            throw SeckillError(
                .unavailable,
                "\(path) belongs to \(holder == 0 ? "another process" : "process \(holder)"), which is running. "
                    + "Stop that one, or give this one a directory of its own."
            )
        }
    }

    /// Opens a journal, or begins one, and hands the body of every frame to `replay`. Its writer holds `lock`.
    func open(
        _ name: String,
        _ kind: JournalHeader.Kind,
        under lock: any FileLock,
        replay: (inout ByteReader) throws(ByteReader.Malformed) -> Int
    ) throws -> (JournalWriter, Recovery) {
        let start = clock.uptime
        let path = Self.file(name, in: path)
        let (file, recovery) =
            try JournalFile.open(path, kind, in: files, replay: replay) ?? (begin(path, kind), Recovery())
        let writer = JournalWriter(file, path: path, directory: self.path, files: files, lock: lock)
        // What a compaction left behind that did not come to its end.
        try? files.remove(writer.successorPath)
        report(recovery, of: path, size: file.end, took: clock.uptime - start)
        return (writer, recovery)
    }

    private func begin(_ path: String, _ kind: JournalHeader.Kind) throws -> JournalFile {
        let header = JournalHeader(
            kind: kind,
            identity: Base64URL.encode(random.bytes(12)),
            created: clock.now,
            generation: 0
        )
        do {
            // Under another name until it is whole: a crash leaves no half header behind.
            let draft = path + ".new"
            var file = try JournalFile(creating: draft, header, in: files)
            try file.finish()
            try files.rename(draft, to: path)
            try files.syncDirectory(self.path)
            return file
        } catch {
            throw SeckillError(.unavailable, "the journal cannot be made: \(error)")
        }
    }

    private func report(_ recovery: Recovery, of path: String, size: Int, took time: Duration) {
        let metadata: Logger.Metadata = [
            "seckill.journal": "\(path)", "seckill.entries": "\(recovery.entries)",
            "seckill.in_doubt": "\(recovery.inDoubt)", "seckill.torn_bytes": "\(recovery.torn)",
            "seckill.bytes": "\(size)", "seckill.milliseconds": "\(time.milliseconds)",
        ]
        if recovery.mayLack {
            logger.warning(
                "the journal's end was torn and has been cut; what it may lack is settled by the ledger",
                metadata: metadata
            )
        } else if recovery.inDoubt > 0 {
            logger.notice(
                "journal opened; its last entries may not have been acknowledged, and stand",
                metadata: metadata
            )
        } else {
            logger.info("journal opened", metadata: metadata)
        }
    }

    private var parent: String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

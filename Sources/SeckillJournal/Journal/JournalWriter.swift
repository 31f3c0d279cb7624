/// The file that groups go to, the group that would not go, and the file that is to follow. A plain value; its owner
/// locks it, and holds the lock while the disk works.
struct JournalWriter: Sendable {
    let path: String
    let directory: String
    let lockPath: String
    let files: any FileSystem
    private(set) var file: JournalFile
    /// Groups that are durable.
    private(set) var done: GroupBuffer.Ticket = 0
    /// What has been handed in and is not durable yet.
    private var stuck: SealedFrame?
    /// The file has been renamed, and the new name may not be durable: nothing may be said to be until it is.
    private var nameIsNew = false
    private var succession: Succession?
    /// What makes the file this process's own; nil after ``letGo()``.
    private var lock: (any FileLock)?

    /// A compaction under way.
    struct Succession: Sendable {
        /// The last group that the image holds.
        var image: GroupBuffer.Ticket
        /// Where the groups behind the image begin, as far as the successor lacks them.
        var tail: Int?
        /// Ready to take over, but for the tail.
        var successor: JournalFile?
    }

    init(
        _ file: JournalFile,
        path: String,
        directory: String,
        lockPath: String,
        files: any FileSystem,
        lock: any FileLock
    ) {
        self.lockPath = lockPath
        self.file = file
        self.lock = lock
        self.path = path
        self.directory = directory
        self.files = files
    }

    var successorPath: String { path + ".new" }
    var isStuck: Bool { stuck != nil }
    var isOurs: Bool { lock != nil }

    /// Finds out whether the paths of the file and of its lock still lead to the ones that are open.
    /// - Returns: the path that does not; nil if both do.
    func missingPath() throws(FileError) -> String? {
        if try !file.file.isNamed(path) { return path }
        if let lock, try !lock.isNamed(lockPath) { return lockPath }
        return nil
    }

    /// Lets another process have the file. Nothing may be written to it from then on.
    mutating func letGo() { lock = nil }

    /// Makes a frame durable, or throws and keeps it: then only ``commitAgain()`` may follow.
    mutating func commit(_ frame: Frame) throws(FileError) {
        stuck = frame.sealed(salt: file.salt)
        try commitAgain()
    }

    /// Tries again what is stuck. Does nothing if nothing is.
    mutating func commitAgain() throws(FileError) {
        guard let stuck else { return }
        if nameIsNew {
            try files.syncDirectory(directory)
            nameIsNew = false
        }
        try file.commit(stuck)
        self.stuck = nil
        done += 1
        if succession?.image == done { succession?.tail = file.end }
    }

    /// See ``JournalFile/mark()``. Only worth trying.
    func mark() {
        if stuck == nil { try? file.mark() }
    }

    // MARK: Compaction

    /// Notes that an image is being written which holds everything up to group `ticket`.
    mutating func beginSuccession(after ticket: GroupBuffer.Ticket) {
        succession = Succession(image: ticket, tail: ticket <= done ? file.end : nil)
    }

    mutating func endSuccession() {
        succession = nil
        try? files.remove(successorPath)
    }

    /// The part of the file that the successor lacks; nil while the image's last group is not durable.
    var tail: (file: JournalFile, from: Int, to: Int)? {
        succession?.tail.map { (file, $0, file.end) }
    }

    mutating func hasCaughtUp(to end: Int) { succession?.tail = end }
    mutating func offer(_ successor: JournalFile) { succession?.successor = successor }

    /// Goes on in the successor if it is ready. The file that it was until now; nil if there is nothing to do yet.
    mutating func succeed() throws(FileError) -> JournalFile? {
        guard stuck == nil, var successor = succession?.successor, let tail else { return nil }
        try successor.stage(framesOf: tail.file, from: tail.from, to: tail.to)
        try successor.finish()
        try files.rename(successorPath, to: path)
        file = successor
        nameIsNew = true
        succession = nil
        return tail.file
    }
}

extension JournalFile {
    /// Copies whole frames of another file, which must lie exactly in the range.
    mutating func stage(framesOf other: JournalFile, from start: Int, to end: Int) throws(FileError) {
        var reader = FrameReader(other.file, salt: other.salt, from: start, to: end)
        while let frame = try reader.nextFrame() { try stage(frame) }
        guard reader.offset == end else {
            throw FileError(
                operation: "read back",
                path: "the journal",
                reason: "byte \(reader.offset) is not as written"
            )
        }
    }
}

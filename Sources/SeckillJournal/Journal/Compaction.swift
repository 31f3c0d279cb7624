internal import Dispatch
internal import Logging
internal import SeckillCore

/// What a journal's entries add up to at one moment.
protocol JournalImage: Sendable {
    /// Writes entries that say the same, in as few words as possible.
    func write(_ emit: (Frame) throws(FileError) -> Void) throws(FileError)
}

/// When a journal is rewritten, and by whom.
///
/// The image of one moment goes into a new file while groups go on into the old one; then the groups since that moment
/// follow, and between two groups the new file takes the old one's name. Until that rename the old file is the journal,
/// whole and in order; from then on the new one is, and nothing is acknowledged from it before the name is durable.
final class Compaction: Sendable {
    /// Returns an image, and calls its argument at the very moment of which that is.
    typealias Capture = @Sendable (_ cut: () -> Void) -> any JournalImage

    private struct State {
        var isRunning = false
        var threshold: Int
        var count = 0
    }

    let capture: Capture
    let queue = DispatchQueue(label: "seckill.journal.compaction", qos: .utility)
    private let minimum: Int
    private let state: Locked<State>

    init(capture: @escaping Capture, minimum: Int) {
        self.capture = capture
        self.minimum = minimum
        // How much of a file that was just opened is image nobody knows; and if a start took all of it for that, one
        // start after another would let it grow.
        state = Locked(State(threshold: minimum))
    }

    /// Compactions that have come to their end.
    var count: Int { state.withLock { $0.count } }

    /// True if it is time for the next one, which then begins.
    func begin(fileSize: Int) -> Bool {
        state.withLock { state in
            guard !state.isRunning, fileSize > state.threshold else { return false }
            state.isRunning = true
            return true
        }
    }

    /// The next one is due when the file has doubled: so all of them together write no more than the entries did.
    func end(fileSize: Int, isDone: Bool) {
        state.withLock { state in
            state.isRunning = false
            state.threshold = max(minimum, isDone ? fileSize * 2 : fileSize + fileSize / 4)
            if isDone { state.count += 1 }
        }
    }
}

extension Journal {
    private static let smallTail = 256 << 10

    /// On the disk's thread, between two groups.
    func compactIfDue() {
        guard !isClosed, compaction.begin(fileSize: writer.withLock { $0.file.end }) else { return }
        var ticket: GroupBuffer.Ticket = 0
        let image = compaction.capture { ticket = cut() }
        writer.withLock { [ticket] in $0.beginSuccession(after: ticket) }
        compaction.queue.async {
            do {
                try self.rewrite(image)
                self.disk.async { self.drain() }
            } catch {
                self.giveUpCompaction(because: error)
            }
        }
    }

    /// On a thread of compaction's own: the image, then what has happened since, until that is little.
    private func rewrite(_ image: any JournalImage) throws {
        let (old, path, files) = writer.withLock { ($0.file, $0.successorPath, $0.files) }
        var header = old.header
        header.generation &+= 1
        var successor = try JournalFile(creating: path, header, in: files)
        try image.write { frame throws(FileError) in
            if isClosed { throw FileError(operation: "compact", path: path, reason: "the journal is being closed") }
            try successor.stage(frame)
        }
        try successor.file.sync()
        while let tail = writer.withLock({ $0.tail }), tail.to - tail.from > Self.smallTail, !isClosed {
            try successor.stage(framesOf: tail.file, from: tail.from, to: tail.to)
            try successor.file.sync()
            writer.withLock { $0.hasCaughtUp(to: tail.to) }
        }
        writer.withLock { [successor] in $0.offer(successor) }
    }

    /// On the disk's thread, between two groups: callers wait meanwhile.
    func succeedIfReady() {
        guard !isClosed else { return }
        do {
            guard let old = try writer.withLock({ writer throws(FileError) in try writer.succeed() }) else { return }
            let size = writer.withLock { $0.file.end }
            compaction.end(fileSize: size, isDone: true)
            logger.info(
                "journal compacted",
                metadata: ["seckill.journal": "\(path)", "seckill.from": "\(old.end)", "seckill.to": "\(size)"]
            )
            // Closing the last reference frees a large file's blocks: not on this thread.
            compaction.queue.async { withExtendedLifetime(old) {} }
        } catch {
            giveUpCompaction(because: error)
        }
    }

    private func giveUpCompaction(because error: any Error) {
        let size = writer.withLock { writer in
            writer.endSuccession()
            return writer.file.end
        }
        compaction.end(fileSize: size, isDone: false)
        if isClosed { return }
        logger.warning(
            "journal not compacted; it will be tried again when it has grown",
            metadata: ["seckill.journal": "\(path)", "error": "\(error)"]
        )
    }

    /// Waits until no thread works on a successor any more, and removes it.
    func endCompaction() async {
        await withCheckedContinuation { done in compaction.queue.async { done.resume() } }
        await onDisk { self.writer.withLock { $0.endSuccession() } }
    }
}

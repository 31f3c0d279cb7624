internal import SeckillCore

/// One journal file that this process owns: where its good end is, and how frames are added to it.
///
/// The file is always a whole number of steps long and zero behind its end. Writing over zeros that are already
/// allocated changes no metadata, which makes a sync twice as fast as appending does; and a length that is no whole
/// number of steps shows that somebody has cut the file.
struct JournalFile: Sendable {
    static let step = 1 << 20

    let file: any File
    let header: JournalHeader
    let salt: UInt32
    /// Everything before is durable; the next frame goes here.
    private(set) var end: Int
    /// How far the file is filled with zeros behind its end.
    private var size: Int

    init(_ file: any File, _ header: JournalHeader, end: Int, size: Int) {
        self.file = file
        self.header = header
        salt = header.salt
        self.end = end
        self.size = size
    }

    /// Begins a file. It is nothing yet: stage its frames, then ``finish()`` it.
    init(creating path: String, _ header: JournalHeader, in files: any FileSystem) throws(FileError) {
        self.init(try files.create(path), header, end: 0, size: 0)
        try write(header.encoded())
    }

    /// Adds a frame and returns once it is durable. After an error nothing is known of it, and nothing changed here:
    /// the same frame again goes over the same bytes, so that pages which a failed sync dropped are written anew.
    mutating func commit(_ frame: SealedFrame) throws(FileError) {
        let needed = end + frame.bytes.count
        if needed > size { try allocate(upTo: needed) }
        try file.write(frame.bytes, at: end)
        try file.sync()
        end = needed
    }

    /// Adds a frame, durably, to a file that must look torn until it is ``cut()``: in the place of whatever was never
    /// finished, and with a byte behind it, lest a file that only grew by it and lost it seem whole.
    mutating func commitTorn(_ frame: SealedFrame) throws(FileError) {
        try file.write(frame.bytes + [0xFF], at: end)
        try file.sync()
        end += frame.bytes.count
    }

    /// Writes again what is there from `start` to the good end.
    func rewrite(from start: Int) throws(FileError) {
        var bytes = [UInt8](repeating: 0, count: end - start)
        _ = try file.read(into: &bytes, at: start)
        try file.write(bytes, at: start)
    }

    /// Leaves word that everything so far is durable, for whoever finds the file damaged; the next frame goes over it.
    func mark() throws(FileError) {
        let mark = Frame().sealed(salt: salt)
        if end + mark.bytes.count <= size { try file.write(mark.bytes, at: end) }
    }

    /// Adds a frame to a file that is still being made.
    mutating func stage(_ frame: consuming Frame) throws(FileError) { try write(frame.sealed(salt: salt).bytes) }

    /// Makes a staged file whole and durable.
    mutating func finish() throws(FileError) {
        try allocate(upTo: end + 1)
        try file.sync()
    }

    /// Removes everything behind the good end, durably.
    mutating func cut() throws(FileError) {
        try file.resize(to: end)
        size = end
        try finish()
    }

    private mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try file.write(bytes, at: end)
        end += bytes.count
    }

    private mutating func allocate(upTo needed: Int) throws(FileError) {
        let goal = (needed + Self.step - 1) / Self.step * Self.step
        try file.resize(to: goal)
        for start in stride(from: max(size, end), to: goal, by: Self.step) {
            try file.write([UInt8](repeating: 0, count: min(Self.step, goal - start)), at: start)
        }
        size = goal
    }
}

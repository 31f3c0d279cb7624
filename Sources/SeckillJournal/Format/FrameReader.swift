/// Walks over the frames of a file, with a window of it in memory.
struct FrameReader {
    /// What follows the last good frame.
    enum Rest {
        /// Nothing but zeros: a clean end.
        case zeros
        /// Something that was never finished; it reaches this far.
        case torn(until: Int)
        /// A good frame, which proves that what lies between was once good too.
        case frame(at: Int)
    }

    private static let windowSize = 1 << 20
    private let file: any File
    private let salt: UInt32
    /// Where the file, or the part of it that is to be read, ends.
    private let end: Int
    /// Where the next frame should begin: the end of the last good one.
    private(set) var offset: Int
    private var window: [UInt8] = []
    private var windowStart = 0

    init(_ file: any File, salt: UInt32, from offset: Int, to end: Int) {
        self.file = file
        self.salt = salt
        self.offset = offset
        self.end = end
    }

    /// Calls `body` with the next frame's body and steps over it; nil if no good frame is next.
    mutating func next<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result? {
        guard let size = try goodFrame(at: offset) else { return nil }
        let start = offset - windowStart + Frame.headerSize
        offset += Frame.paddedSize(body: size)
        return try window.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<start + size])) }
    }

    /// A copy of the next frame; nil if no good frame is next.
    mutating func nextFrame() throws(FileError) -> Frame? {
        guard let size = try goodFrame(at: offset) else { return nil }
        let start = offset - windowStart + Frame.headerSize
        offset += Frame.paddedSize(body: size)
        var frame = Frame()
        frame.append { $0 += window[start..<start + size] }
        return frame
    }

    /// Looks at everything behind the last good frame.
    mutating func rest() throws(FileError) -> Rest {
        var last: Int?
        var place = offset
        while place < end {
            try load(place, 1)
            let start = place - windowStart
            guard let used = window.withUnsafeBytes({ firstUsedByte(in: $0, from: start) }) else {
                place = windowStart + window.count
                continue
            }
            // Frames begin at multiples of eight.
            place = (windowStart + used) & ~7
            if place > offset, try goodFrame(at: place) != nil { return .frame(at: place) }
            place += 8
            last = min(place, end)
        }
        return last.map { .torn(until: $0) } ?? .zeros
    }

    /// The size of the body of the frame at `place`, with all of it in the window; nil if there is no good one.
    private mutating func goodFrame(at place: Int) throws(FileError) -> Int? {
        guard end - place >= Frame.headerSize else { return nil }
        try load(place, Frame.headerSize)
        guard let body = announcedBody(at: place) else { return nil }
        let size = Frame.paddedSize(body: body)
        guard size <= end - place else { return nil }
        try load(place, size)
        let start = place - windowStart
        let isGood = window.withUnsafeBytes {
            Frame.isGood(UnsafeRawBufferPointer(rebasing: $0[start..<start + size]), salt: salt)
        }
        return isGood ? body : nil
    }

    private func announcedBody(at place: Int) -> Int? {
        let start = place - windowStart
        return window.withUnsafeBytes {
            Frame.bodySize(announcedBy: UnsafeRawBufferPointer(rebasing: $0[start..<start + Frame.headerSize]))
        }
    }

    /// Brings `count` bytes from `place` on into the window.
    private mutating func load(_ place: Int, _ count: Int) throws(FileError) {
        if place >= windowStart, place + count <= windowStart + window.count { return }
        let size = min(max(count, Self.windowSize), end - place)
        if window.count != size { window = [UInt8](repeating: 0, count: size) }
        let read = try file.read(into: &window, at: place)
        windowStart = place
        // Shorter than it was a moment ago: what is missing reads as zeros, and so as the end.
        for index in read..<size { window[index] = 0 }
    }
}

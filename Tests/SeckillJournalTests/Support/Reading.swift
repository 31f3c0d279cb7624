import SeckillCore

@testable import SeckillJournal

extension SimulatedDisk {
    private func header(of path: String) -> JournalHeader? {
        guard let bytes = self[path], bytes.count >= JournalHeader.size,
            let kind = JournalHeader.Kind(rawValue: UInt16(bytes[10]))
        else { return nil }
        return try? JournalHeader.decode(Array(bytes[..<JournalHeader.size]), expecting: kind).get()
    }

    func salt(of path: String) -> UInt32? { header(of: path)?.salt }
    func generation(of path: String) -> UInt64? { header(of: path)?.generation }

    /// Where every frame of a good file begins, how large its body is, and where the next begins.
    func frames(of path: String) -> [(start: Int, body: Int, end: Int)] {
        guard let salt = salt(of: path), let file = try? open(path, writing: false), let size = try? file.size() else {
            return []
        }
        var reader = FrameReader(file, salt: salt, from: JournalHeader.size, to: size)
        var frames: [(Int, Int, Int)] = []
        while let body = try? reader.next({ $0.count }) {
            frames.append((reader.offset - Frame.paddedSize(body: body), body, reader.offset))
        }
        return frames
    }

    /// Where the last frame that says something ends, and the mark begins.
    func end(of path: String) -> Int? { frames(of: path).last { $0.body > 0 }?.end }

    /// Where the zeros are that fill frames up.
    func padding(in path: String) -> Set<Int> {
        Set(frames(of: path).flatMap { Array($0.start + Frame.headerSize + $0.body..<$0.end) })
    }
}

extension SimulatedDisk {
    /// The body of every frame of a good file that says something.
    func bodies(of path: String) -> [[UInt8]] {
        guard let bytes = self[path] else { return [] }
        return frames(of: path).filter { $0.body > 0 }.map { frame in
            let start = frame.start + Frame.headerSize
            return Array(bytes[start..<start + frame.body])
        }
    }
}

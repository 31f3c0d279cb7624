/// One command with its arguments, which may hold any bytes.
///
/// Encoded where it is built, in the caller's task, so that the connection's thread only copies it.
public struct RedisCommand: Sendable, ExpressibleByArrayLiteral {
    private var body: [UInt8]
    private var count = 0

    /// An empty command; append its name first.
    init(reserving capacity: Int) {
        body = []
        body.reserveCapacity(capacity)
        // Room for the number of arguments, which is known last.
        body.append(contentsOf: [UInt8(ascii: "*"), UInt8(ascii: "0"), UInt8(ascii: "\r"), UInt8(ascii: "\n")])
    }

    /// A command from its name and arguments, for a list that is put together at run time.
    public init(_ words: [String]) {
        self.init(reserving: 64)
        for word in words { append(word) }
    }

    /// A command as it would be typed: `["SET", "key", "value"]`.
    public init(arrayLiteral words: String...) { self.init(words) }

    /// Adds an argument.
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(buffer: UnsafeRawBufferPointer($0)) }
    }

    /// Adds an argument.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(buffer: $0) }
    }

    /// Adds a number as its decimal digits.
    public mutating func append(_ number: Int) { append(String(number)) }

    private mutating func append(buffer: UnsafeRawBufferPointer) {
        body.append(UInt8(ascii: "$"))
        append(digitsOf: buffer.count)
        body.append(UInt8(ascii: "\r"))
        body.append(UInt8(ascii: "\n"))
        body.append(contentsOf: buffer)
        body.append(UInt8(ascii: "\r"))
        body.append(UInt8(ascii: "\n"))
        count += 1
        if count < 10 { body[1] = UInt8(ascii: "0") + UInt8(count) }
    }

    private mutating func append(digitsOf number: Int) {
        if number >= 10 { append(digitsOf: number / 10) }
        body.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// The command in the Redis protocol.
    var encoded: [UInt8] {
        guard count >= 10 else { return body }
        return Array("*\(count)".utf8) + body[2...]
    }

    /// The first argument.
    var name: ArraySlice<UInt8>? { word(at: 4) }

    /// The arguments, name first.
    var words: [ArraySlice<UInt8>] {
        var words: [ArraySlice<UInt8>] = []
        var start = 4
        while let word = word(at: start) {
            words.append(word)
            start = word.endIndex + 2
        }
        return words
    }

    /// The argument whose length stands at `start`.
    private func word(at start: Int) -> ArraySlice<UInt8>? {
        guard let end = body[start...].firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        let length = body[start + 1..<end].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return body[end + 2..<end + 2 + length]
    }
}

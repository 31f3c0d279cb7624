/// One command with its arguments, which may hold any bytes.
///
/// Encoded where it is built, in the caller's task, so that the connection's thread only copies it.
public struct RedisCommand: Sendable, ExpressibleByArrayLiteral {
    /// In front of the arguments stands how many there are, with room for as many as Redis takes.
    private static let headroom = 10

    private var buffer: [UInt8]
    private var start = Self.headroom
    private var count = 0

    /// An empty command; append its name first.
    init(reserving capacity: Int) {
        buffer = []
        buffer.reserveCapacity(Self.headroom + capacity)
        buffer.append(contentsOf: repeatElement(0, count: Self.headroom))
        buffer[Self.headroom - 2] = UInt8(ascii: "\r")
        buffer[Self.headroom - 1] = UInt8(ascii: "\n")
    }

    /// A command from its name and arguments, for a list that is put together at run time.
    public init(_ words: [String]) {
        self.init(reserving: words.reduce(0) { $0 + $1.utf8.count + 8 })
        for word in words { append(word) }
    }

    /// A command on one key.
    init(_ name: String, _ key: RedisKey, _ rest: String...) {
        self.init(reserving: 128)
        append(name)
        append(key)
        for word in rest { append(word) }
    }

    /// A command as it would be typed: `["SET", "key", "value"]`.
    public init(arrayLiteral words: String...) { self.init(words) }

    /// Adds an argument.
    public mutating func append(_ text: String) {
        begin(argumentOf: text.utf8.count)
        buffer.append(contentsOf: text.utf8)
        endLine()
    }

    /// Adds an argument.
    public mutating func append(_ bytes: [UInt8]) {
        begin(argumentOf: bytes.count)
        buffer.append(contentsOf: bytes)
        endLine()
    }

    /// Adds a number as its decimal digits.
    public mutating func append(_ number: Int) { append(String(number)) }

    /// Adds a key, without putting it together first.
    mutating func append(_ key: RedisKey) {
        begin(argumentOf: key.count)
        key.write(to: &buffer)
        endLine()
    }

    /// Adds arguments that are encoded already.
    mutating func append(encoded bytes: [UInt8], holding arguments: Int) {
        buffer.append(contentsOf: bytes)
        add(arguments)
    }

    private mutating func begin(argumentOf length: Int) {
        buffer.append(UInt8(ascii: "$"))
        if length < 10 {
            buffer.append(UInt8(ascii: "0") + UInt8(length))
        } else {
            buffer.append(contentsOf: String(length).utf8)
        }
        endLine()
        add(1)
    }

    private mutating func endLine() {
        buffer.append(UInt8(ascii: "\r"))
        buffer.append(UInt8(ascii: "\n"))
    }

    private mutating func add(_ arguments: Int) {
        count += arguments
        var rest = count
        start = Self.headroom - 3
        repeat {
            buffer[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            start -= 1
        } while rest > 0
        buffer[start] = UInt8(ascii: "*")
    }

    /// The command in the Redis protocol.
    var encoded: ArraySlice<UInt8> { buffer[start...] }

    /// The arguments without their number, to be appended to other commands.
    var arguments: [UInt8] { Array(buffer[Self.headroom...]) }

    /// The first argument.
    var name: ArraySlice<UInt8>? { word(at: Self.headroom) }

    /// The arguments, name first.
    var words: [ArraySlice<UInt8>] {
        var words: [ArraySlice<UInt8>] = []
        var next = Self.headroom
        while let word = word(at: next) {
            words.append(word)
            next = word.endIndex + 2
        }
        return words
    }

    /// The argument whose length stands at `start`.
    private func word(at start: Int) -> ArraySlice<UInt8>? {
        guard let end = buffer[start...].firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        let length = buffer[start + 1..<end].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return buffer[end + 2..<end + 2 + length]
    }
}

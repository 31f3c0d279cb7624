/// Reads the head of a request that leaves nothing to interpret, and no other: this is no parser.
///
/// Plain is HTTP/1.1 with one `Host`, lines that end in CRLF, names of letters, digits and hyphens, one space after the
/// colon, values of visible ASCII, at most one `Content-Length`, and nothing that changes how messages are framed or how
/// long the connection lasts. All of it must be there. Whatever else comes is for a real parser to judge.
struct PlainRequest: Equatable {
    /// Where something is in the bytes; nowhere if it is not there.
    struct Span: Equatable {
        var start = 0
        var end = 0
        var isEmpty: Bool { start == end }
    }

    /// A head that is longer is not read. Must not be more than any parser behind accepts.
    static let limit = 8192
    static let fieldLimit = 64

    let method: HotRequest.Method
    let path: Span
    private(set) var host = Span()
    private(set) var cookie = Span()
    private(set) var origin = Span()
    private(set) var fetchSite = Span()
    private(set) var ifNoneMatch = Span()
    /// The bytes of the head, the empty line included.
    private(set) var length = 0
    /// The bytes of the body that follow it.
    private(set) var bodyLength = 0
    private var hasConnection = false
    private var hasContentLength = false

    /// The request at the beginning of `bytes`, or nil.
    init?(_ bytes: UnsafeRawBufferPointer) {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.limit))
        guard let method = HotRequest.Method.allCases.first(where: { Self.has($0.prefix, bytes, 0) }) else {
            return nil
        }
        self.method = method
        var at = method.prefix.utf8CodeUnitCount
        let start = at
        guard at < bytes.count, bytes[at] == UInt8(ascii: "/") else { return nil }
        while at < bytes.count, Self.isOfPaths(bytes[at]) { at += 1 }
        path = Span(start: start, end: at)
        guard Self.has(" HTTP/1.1\r\n", bytes, at) else { return nil }
        at += 11
        for _ in 0...Self.fieldLimit {
            if Self.has("\r\n", bytes, at) {
                guard !host.isEmpty else { return nil }
                length = at + 2
                return
            }
            guard let next = readField(bytes, at) else { return nil }
            at = next
        }
        return nil
    }

    /// Reads the line at `at`. Where the next begins.
    private mutating func readField(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var at = start
        while at < bytes.count, Self.isOfNames(bytes[at]) { at += 1 }
        let name = Span(start: start, end: at)
        guard !name.isEmpty, Self.has(": ", bytes, at) else { return nil }
        at += 2
        let valueStart = at
        while at < bytes.count, Self.isOfValues(bytes[at]) { at += 1 }
        let value = Span(start: valueStart, end: at)
        guard !value.isEmpty, bytes[value.start] != UInt8(ascii: " "), bytes[value.end - 1] != UInt8(ascii: " "),
            Self.has("\r\n", bytes, at), take(name, value, bytes)
        else { return nil }
        return at + 2
    }

    /// Keeps what a route may ask for. False if the field takes the plainness away.
    private mutating func take(_ name: Span, _ value: Span, _ bytes: UnsafeRawBufferPointer) -> Bool {
        func isNamed(_ text: StaticString) -> Bool { Self.isSame(text, bytes, name) }
        func once(_ span: inout Span) -> Bool {
            defer { span = value }
            return span.isEmpty
        }
        switch name.end - name.start {
        case 4: return !isNamed("host") || once(&host)
        case 6:
            if isNamed("cookie") { return once(&cookie) }
            if isNamed("origin") { return once(&origin) }
            return !isNamed("expect")
        case 7: return !isNamed("upgrade") && !isNamed("trailer")
        case 10:
            guard isNamed("connection") else { return true }
            defer { hasConnection = true }
            return !hasConnection && Self.isSame("keep-alive", bytes, value)
        case 13: return !isNamed("if-none-match") || once(&ifNoneMatch)
        case 14:
            if isNamed("sec-fetch-site") { return once(&fetchSite) }
            return !isNamed("content-length") || takeLength(value, bytes)
        case 16: return !isNamed("proxy-connection")
        case 17: return !isNamed("transfer-encoding")
        default: return true
        }
    }

    private mutating func takeLength(_ value: Span, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let digits = bytes[value.start..<value.end]
        guard !hasContentLength, digits.count <= 6,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return false }
        hasContentLength = true
        bodyLength = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return true
    }

    // MARK: Bytes

    private static func has(_ text: StaticString, _ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { return false }
        for index in 0..<count where text.utf8Start[index] != bytes[at + index] { return false }
        return true
    }

    /// Whether the span is `text`, which is in lower case, in any case.
    private static func isSame(_ text: StaticString, _ bytes: UnsafeRawBufferPointer, _ span: Span) -> Bool {
        let count = text.utf8CodeUnitCount
        guard span.end - span.start == count else { return false }
        for index in 0..<count {
            let byte = bytes[span.start + index]
            let lower = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
            if text.utf8Start[index] != lower { return false }
        }
        return true
    }

    private static func isOfNames(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isOfValues(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }

    private static func isOfPaths(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "="),
            UInt8(ascii: "&"), UInt8(ascii: "+"):
            true
        default: false
        }
    }
}

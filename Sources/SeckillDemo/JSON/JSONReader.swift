internal import SeckillCore

/// Reads one JSON text strictly as RFC 8259 writes it: UTF-8 without a byte order mark, no comments, no trailing
/// commas, and nothing after the value. Stricter than it must be where leniency hides mistakes: an object that names a
/// member twice is refused, and so is nesting deeper than ``maxDepth``.
struct JSONReader {
    /// Why a text is no JSON, and where.
    struct Failure: Error, Hashable {
        var reason: String
        /// Bytes before the place.
        var offset: Int
    }

    static let maxDepth = 32

    private let bytes: [UInt8]
    private var index = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: some Sequence<UInt8>) throws(Failure) -> JSON {
        var reader = JSONReader(Array(bytes))
        guard String(validating: reader.bytes, as: UTF8.self) != nil else {
            throw Failure(reason: "text is not UTF-8", offset: 0)
        }
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.index == reader.bytes.count else { throw reader.failure("something follows the value") }
        return value
    }

    private func failure(_ reason: String) -> Failure { Failure(reason: reason, offset: index) }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: scalar) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSON {
        skipSpace()
        guard depth < Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth)") }
        switch next {
        case nil: throw failure("a value is missing")
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(Failure) -> JSON {
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[index...].starts(with: expected) else { throw failure("not a value") }
        index += expected.count
        return value
    }

    private mutating func array(depth: Int) throws(Failure) -> JSON {
        index += 1
        skipSpace()
        var elements: [JSON] = []
        if skip("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if skip("]") { return .array(elements) }
            guard skip(",") else { throw failure("',' or ']' is missing") }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSON {
        index += 1
        skipSpace()
        var members: [JSON.Member] = []
        var names: Set<TextKey> = []
        if skip("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a member's name is missing") }
            let name = try string()
            guard names.insert(TextKey(name)).inserted else { throw failure("a member is named twice") }
            skipSpace()
            guard skip(":") else { throw failure("':' is missing") }
            members.append(JSON.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if skip("}") { return .object(members) }
            guard skip(",") else { throw failure("',' or '}' is missing") }
        }
    }

    // MARK: Numbers

    private mutating func number() throws(Failure) -> JSON {
        let start = index
        _ = skip("-")
        guard let first = next, isDigit(first) else { throw failure("not a value") }
        index += 1
        if first != UInt8(ascii: "0") { skipDigits() }
        let integerEnd = index
        if skip(".") { try requireDigits() }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            try requireDigits()
        }
        guard index == integerEnd, let integer = Int(String(decoding: bytes[start..<index], as: UTF8.self)) else {
            return .otherNumber
        }
        return .integer(integer)
    }

    private mutating func requireDigits() throws(Failure) {
        guard let first = next, isDigit(first) else { throw failure("a digit is missing") }
        skipDigits()
    }

    private mutating func skipDigits() {
        while let byte = next, isDigit(byte) { index += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // MARK: Strings

    private mutating func string() throws(Failure) -> String {
        index += 1
        let start = index
        skipUnescaped()
        if skip("\"") { return String(decoding: bytes[start..<index - 1], as: UTF8.self) }
        var text = Array(bytes[start..<index])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                index += 1
                try readEscape(into: &text)
            case 0..<0x20: throw failure("a control character must be escaped")
            default:
                let start = index
                skipUnescaped()
                text += bytes[start..<index]
            }
        }
        throw failure("a string does not end")
    }

    /// Skips what stands for itself.
    private mutating func skipUnescaped() {
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { index += 1 }
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(Failure) {
        let byte: UInt8
        switch next {
        case UInt8(ascii: "u"):
            index += 1
            text += UTF8.encode(try unicodeEscape())!
            return
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = next!
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0C
        case UInt8(ascii: "n"): byte = 0x0A
        case UInt8(ascii: "r"): byte = 0x0D
        case UInt8(ascii: "t"): byte = 0x09
        default: throw failure("not an escape")
        }
        index += 1
        text.append(byte)
    }

    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard UTF16.isLeadSurrogate(unit), skip("\\"), skip("u") else { throw failure("half a surrogate pair") }
        let trail = try codeUnit()
        guard UTF16.isTrailSurrogate(trail) else { throw failure("half a surrogate pair") }
        return UTF16.decode(UTF16.EncodedScalar([unit, trail]))
    }

    private mutating func codeUnit() throws(Failure) -> UInt16 {
        guard bytes.count - index >= 4 else { throw failure("four hexadecimal digits are missing") }
        var unit: UInt16 = 0
        for digit in bytes[index..<index + 4] {
            guard let value = digit.hexDigitValue else { throw failure("four hexadecimal digits are missing") }
            unit = unit << 4 | UInt16(value)
        }
        index += 4
        return unit
    }
}

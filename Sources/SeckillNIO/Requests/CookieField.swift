/// What is in a `Cookie` field: RFC 6265, section 4.2.1, read leniently.
package enum CookieField {
    /// The value of the first cookie of this name.
    package static func value(of name: String, in field: UnsafeRawBufferPointer) -> String? {
        var rest = field[...]
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: ";") }
            rest = rest[pair.endIndex...].dropFirst()
            let trimmed = pair.drop { $0 == UInt8(ascii: " ") }
            guard trimmed.starts(with: name.utf8) else { continue }
            let value = trimmed.dropFirst(name.utf8.count)
            if value.first == UInt8(ascii: "=") { return String(decoding: value.dropFirst(), as: UTF8.self) }
        }
        return nil
    }
}

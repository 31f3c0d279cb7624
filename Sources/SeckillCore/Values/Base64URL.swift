/// RFC 4648, section 5, without padding.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Whether `byte` is one of the 64 characters.
    package static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The text of `bytes`, whose number must be a multiple of three: then every character carries six bits and no two
    /// texts mean the same bytes.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        precondition(bytes.count.isMultiple(of: 3))
        return String(unsafeUninitializedCapacity: bytes.count / 3 * 4) { out in
            var group: UInt32 = 0
            var taken = 0
            var written = 0
            for byte in bytes {
                group = group << 8 | UInt32(byte)
                taken += 1
                guard taken == 3 else { continue }
                out[written] = alphabet[Int(group >> 18)]
                out[written + 1] = alphabet[Int(group >> 12 & 63)]
                out[written + 2] = alphabet[Int(group >> 6 & 63)]
                out[written + 3] = alphabet[Int(group & 63)]
                written += 4
                group = 0
                taken = 0
            }
            return written
        }
    }

    /// The bytes that `text` was encoded from; nil if it is no text of ``encode(_:)``.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var taken = 0
        for character in text {
            guard let bits = value(of: character) else { return nil }
            group = group << 6 | bits
            taken += 1
            guard taken == 4 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: group >> 16))
            bytes.append(UInt8(truncatingIfNeeded: group >> 8))
            bytes.append(UInt8(truncatingIfNeeded: group))
            group = 0
            taken = 0
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

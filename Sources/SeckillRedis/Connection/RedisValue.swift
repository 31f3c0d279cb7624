/// What Redis answered, copied out of the client library.
public enum RedisValue: Hashable, Sendable {
    /// Nothing there.
    case null
    /// A number.
    case integer(Int)
    /// A string of any bytes, or a status such as `OK`.
    case bytes([UInt8])
    /// Several values.
    case array([RedisValue])
    /// An error inside an array; an error that is the whole answer is thrown instead.
    case error(RedisError)

    /// The string as text, if it is one.
    public var text: String? {
        if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    /// The number, or a string that spells one.
    public var integer: Int? {
        switch self {
        case .integer(let number): number
        case .bytes: text.flatMap { Int($0) }
        default: nil
        }
    }

    /// The values of an array.
    public var array: [RedisValue]? {
        if case .array(let values) = self { values } else { nil }
    }
}

/// Redis refused a command: it was understood, and this is what it said.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The whole message, such as `WRONGTYPE Operation against a key holding the wrong kind of value`.
    public var message: String

    /// A message from Redis.
    public init(_ message: String) { self.message = message }

    /// The first word, by which errors are told apart: `WRONGTYPE`, `NOSCRIPT`, `ERR`.
    public var kind: Substring { message.prefix { $0 != " " } }

    /// The message.
    public var description: String { message }
}

/// A JSON value (RFC 8259), as requests bring it and answers carry it.
enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    /// Written without fraction or exponent, and within 64 bits.
    case integer(Int)
    /// Any other number. No field of the API takes one, so what it was is of no interest.
    case otherNumber
    case string(String)
    case array([JSON])
    /// Members in the order written, names unique.
    case object([Member])

    struct Member: Hashable, Sendable {
        var name: String
        var value: JSON
    }
}

extension JSON {
    /// An object with these members, in this order.
    static func object(_ members: KeyValuePairs<String, JSON>) -> JSON {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByNilLiteral {
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(nilLiteral: ()) { self = .null }
}

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

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByNilLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(nilLiteral: ()) { self = .null }
    init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(members.map { Member(name: $0.0, value: $0.1) })
    }
}

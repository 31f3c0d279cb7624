internal import SeckillCore

/// The members of a request's object. Unknown ones are ignored; a missing one, or one of the wrong type or range, is a
/// ``Problem`` that names it.
struct Fields {
    /// Longer texts are of no use to any field, and may take long to compare.
    private static let textLimit = 512

    private let values: [TextKey: JSON]

    /// The members of `json`, or nil if it is no object.
    init?(_ json: JSON) {
        guard case .object(let members) = json else { return nil }
        values = Dictionary(uniqueKeysWithValues: members.map { (TextKey($0.name), $0.value) })
    }

    /// The members of the object that a request's body holds.
    init(body: some Sequence<UInt8>) throws {
        let json: JSON
        do {
            json = try JSONReader.read(body)
        } catch {
            throw Problem(.badRequest, "the body is not JSON: \(error.reason), at byte \(error.offset)")
        }
        guard let fields = Fields(json) else { throw Problem(.badRequest, "the body must be a JSON object") }
        self = fields
    }

    private subscript(name: String) -> JSON? { values[TextKey(name)] }

    func string(_ name: String, _ rule: String) throws -> String {
        guard let text = try string(ifPresent: name, rule) else { throw Self.missing(name, rule) }
        return text
    }

    func string(ifPresent name: String, _ rule: String) throws -> String? {
        switch self[name] {
        case nil: return nil
        case .string(let text) where text.utf8.count <= Self.textLimit: return text
        default: throw Problem(.badRequest, "\(name) must be \(rule)")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
        guard let integer = try integer(ifPresent: name, in: range) else {
            throw Self.missing(name, Self.rule(range))
        }
        return integer
    }

    func integer(ifPresent name: String, in range: ClosedRange<Int>) throws -> Int? {
        switch self[name] {
        case nil: return nil
        case .integer(let integer) where range.contains(integer): return integer
        default: throw Problem(.badRequest, "\(name) must be \(Self.rule(range))")
        }
    }

    /// A moment; nil if absent, or if `null` and that `isNullable`.
    func moment(ifPresent name: String, isNullable: Bool = false) throws -> Timestamp? {
        switch self[name] {
        case nil: return nil
        case .null where isNullable: return nil
        case .string(let text):
            guard let moment = Timestamp(iso8601: text) else { fallthrough }
            return moment
        default:
            let alternative = isNullable ? ", or null" : ""
            throw Problem(.badRequest, "\(name) must be a moment in UTC such as 2026-11-22T10:00:00Z\(alternative)")
        }
    }

    private static func missing(_ name: String, _ rule: String) -> Problem {
        Problem(.badRequest, "\(name) is missing: \(rule)")
    }

    private static func rule(_ range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound), written without fraction or exponent"
    }
}

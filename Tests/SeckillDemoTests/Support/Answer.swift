import HTTPTypes
import NIOCore
import SeckillCore
import Testing

@testable import SeckillDemo

/// A response, all of it.
struct Answer: Sendable {
    var status: Int
    var fields: HTTPFields
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON; null if it is none.
    var json: JSON { (try? JSONReader.read(body)) ?? .null }

    subscript(name: String) -> JSON { json[name] }

    /// The code of a problem document whose other members fit it.
    var problem: Problem.Code? {
        guard fields[.contentType] == "application/problem+json" else { return nil }
        // Read once: tests with crowds read thousands of these.
        let json = json
        guard case .string(let text) = json["code"],
            let code = Problem.Code(rawValue: text), code.status.code == status, json["status"] == .integer(status),
            json["type"] == .string("urn:seckill:problem:\(text)"), json["title"] == .string(code.title),
            case .string(let detail) = json["detail"], !detail.isEmpty
        else { return nil }
        return code
    }
}

extension JSON {
    /// A member's value; null if there is none.
    subscript(name: String) -> JSON {
        guard case .object(let members) = self else { return .null }
        return members.first { $0.name == name }?.value ?? .null
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int? { if case .integer(let number) = self { number } else { nil } }
    var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    var names: [String] { if case .object(let members) = self { members.map(\.name) } else { [] } }
}

/// Calls `condition` until it holds, for at most `limit`. Whether it did.
func eventually(
    within limit: Duration = .seconds(60),
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await SystemClock().sleep(for: .milliseconds(2))
    }
    return false
}

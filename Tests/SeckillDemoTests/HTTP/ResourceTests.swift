import Hummingbird
import Testing

@testable import SeckillDemo

struct ResourceTests {
    private let order = Resource(
        "/a/{id}/b",
        [.get: { _ in Response(status: .ok) }, .post: { _ in Response(status: .ok) }]
    )

    private func match(_ path: String) -> [String: String]? {
        order.match(path.split(separator: "/", omittingEmptySubsequences: false))
    }

    @Test func decodesParametersAfterThePathIsSplit() {
        #expect(match("/a/x%2Fy%00/b") == ["id": "x/y\0"])
        #expect(match("/a/%C3%A9/b") == ["id": "é"])
        #expect(match("/a//b") == ["id": ""])
        for path in ["/a/x", "/a/x/b/", "a/x/b", "//a/x/b", "/A/x/b", "/a/x/%62", "*", ""] {
            #expect(match(path) == nil)
        }
    }

    @Test(arguments: ["%", "%a", "%zz", "%C3", "%FF", "%+1", "%c0%80"])
    func whatIsBadlyEncodedNamesNothing(_ text: String) {
        #expect(match("/a/\(text)/b") == [:])
    }

    @Test func namesItsMethods() throws {
        #expect(throws: Problem(.methodNotAllowed, "It has GET, HEAD, POST.", allow: "GET, HEAD, POST")) {
            try order.handler(for: .delete)
        }
        _ = try order.handler(for: .head)
        let writeOnly = Resource("/", [.post: { _ in Response(status: .ok) }])
        #expect(throws: Problem.self) { try writeOnly.handler(for: .head) }
    }
}

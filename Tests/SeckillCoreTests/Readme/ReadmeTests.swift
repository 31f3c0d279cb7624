import Foundation
import SeckillCore
import Testing

struct ReadmeTests {
    @Test func theExampleBuysAUnit() async throws {
        let order = try await buyOne(signedWith: Array(repeating: 9, count: 32))
        #expect(order?.status == .queued)
        #expect(order?.sequence == 1)
    }

    @Test func theReadmeShowsTheExampleThatIsTested() throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Example.swift")
        let readme = URL(filePath: #filePath).appending(path: "../../../../README.md").standardized
        let shown = try String(contentsOf: readme, encoding: .utf8)
        #expect(shown.contains("```swift\n\(try String(contentsOf: example, encoding: .utf8))```"))
    }
}

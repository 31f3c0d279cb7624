import Foundation
import Testing

@testable import SeckillDemo

struct SecretFileTests {
    private let folder = TemporaryFolder()

    private var file: SecretFile { SecretFile(ledger: folder.path("ledger.sqlite")) }

    @Test func aSecretIsMadeOnceForTheOwnerAlone() throws {
        let secrets = try file.load()
        #expect(secrets.count == 1 && secrets[0].utf8.count == 64)
        #expect(try file.load() == secrets)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")) == ["ledger.sqlite.secret"])
    }

    @Test func allWhoStartAtOnceGetTheSame() async throws {
        let file = file
        let secrets = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<20 { group.addTask { try file.load() } }
            return try await group.reduce(into: Set<[String]>()) { $0.insert($1) }
        }
        #expect(secrets.count == 1)
    }

    @Test func aSecretThatOthersCanReadIsNone() throws {
        _ = try file.load()
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
        #expect { try file.load() } throws: { "\($0)".contains("chmod 600") }
    }

    @Test func aShortSecretIsNone() throws {
        _ = try file.load()
        try Data("short\n".utf8).write(to: URL(fileURLWithPath: file.path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        #expect { try file.load() } throws: { "\($0)".contains("32 bytes") }
    }

    @Test func whereNothingCanBeWrittenASecretMustBeGiven() {
        #expect { try SecretFile(ledger: folder.path("none/ledger")).load() } throws: { "\($0)".contains("--secret") }
    }
}

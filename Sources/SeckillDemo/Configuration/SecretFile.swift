internal import Foundation
internal import SeckillCore
internal import SystemPackage

/// The secret that signs links, kept beside the ledger when none is given, so that links outlive a restart.
struct SecretFile {
    let path: String

    init(ledger: String) { path = ledger + ".secret" }

    /// The secrets in the file, which is made if there is none. Of several processes that start at once, all get the
    /// same.
    func load() throws -> [String] {
        if !FileManager.default.fileExists(atPath: path) { try create() }
        let attributes: [FileAttributeKey: Any]
        let text: String
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw StartError("the secret in \(path) cannot be read (\(error.localizedDescription))")
        }
        if let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0 {
            throw StartError("others can read the secret in \(path); run: chmod 600 '\(path)'")
        }
        guard let secrets = Settings.secrets(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw StartError("\(path) holds no secret of 32 bytes or more; delete it to get a new one")
        }
        return secrets
    }

    private func create() throws {
        let draft = path + "." + Base64URL.encode(SystemRandom().bytes(9))
        do {
            let file = try FileDescriptor.open(
                FilePath(draft),
                .writeOnly,
                options: [.create, .exclusiveCreate],
                permissions: .ownerReadWrite
            )
            try file.closeAfter {
                _ = try file.writeAll((Base64URL.encode(SystemRandom().bytes(48)) + "\n").utf8)
                try Self.sync(file)
            }
        } catch {
            throw StartError("no secret can be kept in \(path) (\(error)); give one with --secret")
        }
        defer { try? FileManager.default.removeItem(atPath: draft) }
        do {
            // Unlike a rename, a link never replaces what another process made in between.
            try FileManager.default.linkItem(atPath: draft, toPath: path)
        } catch {
            guard FileManager.default.fileExists(atPath: path) else {
                throw StartError("no secret can be kept in \(path) (\(error.localizedDescription))")
            }
        }
        do {
            // Links are given out under this secret from now on: it must not be another one after a power cut.
            let folder = try FileDescriptor.open(FilePath(path).removingLastComponent().orCurrent, .readOnly)
            try folder.closeAfter { try Self.sync(folder) }
        } catch {
            throw StartError("the directory of \(path) cannot be synced (\(error)); give a secret with --secret")
        }
    }

    private static func sync(_ file: FileDescriptor) throws {
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }
}

extension FilePath {
    fileprivate var orCurrent: FilePath { isEmpty ? "." : self }
}

import Foundation
import Logging
import SeckillCore
import Testing

@testable import SeckillRedis

/// A redis-server that a test starts, kills and starts again: in a folder of its own, on a socket of its own, with the
/// durability that is recommended.
actor TestServer {
    static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/redis-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    let folder: URL
    private let options: [String]
    private let password: String?
    private var process: Process?
    private var guardian: Process?

    nonisolated var socket: String { folder.appending(path: "redis.sock").path }
    nonisolated var configuration: RedisConfiguration {
        RedisConfiguration(address: .unix(path: socket), password: password)
    }

    private init(options: [String], password: String?) throws {
        self.options = options
        self.password = password
        folder = FileManager.default.temporaryDirectory.appending(path: "seckill-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Runs `body` with a server that is up, and ends the server afterwards.
    static func with(
        options: [String] = [],
        password: String? = nil,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let server = try TestServer(options: options, password: password)
        do {
            try await server.start()
            try await body(server)
        } catch {
            await server.end()
            throw error
        }
        await server.end()
    }

    func start() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.path))
        process.arguments =
            [
                "--port", "0", "--unixsocket", socket, "--dir", folder.path, "--save", "", "--appendonly", "yes",
                "--appendfsync", "everysec", "--loglevel", "warning", "--enable-debug-command", "yes",
            ] + (password.map { ["--requirepass", $0] } ?? []) + options
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        self.process = process
        try guardProcess(process.processIdentifier)
        // Loading included: a first answer means that it is ready.
        try await eventually("redis-server answers") {
            guard let client = try? await RedisConnection.connect(configuration, logger: .quiet) else { return false }
            await client.close()
            return true
        }
    }

    /// Ends the server as a crash does.
    func kill() {
        // The guardian first: once the server is gone, its number may be another's.
        for process in [guardian, process].compactMap(\.self) {
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        (self.process, guardian) = (nil, nil)
    }

    /// What the append-only file holds goes with it.
    func deleteData() throws {
        for item in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            try FileManager.default.removeItem(at: item)
        }
    }

    private func end() {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Kills the server if the tests die: the guardian's standard input ends with them.
    private func guardProcess(_ pid: Int32) throws {
        let guardian = Process()
        guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
        guardian.arguments = ["-c", "read _; kill -9 \(pid) 2>/dev/null"]
        guardian.standardInput = Pipe()
        try guardian.run()
        self.guardian = guardian
    }
}

extension Logger {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Waits until `condition` holds.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(5),
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let end = SystemClock().uptime + limit
    while try await !condition() {
        guard SystemClock().uptime < end else { throw NeverHappened(description: "\(what), not within \(limit)") }
        await Task.yield()
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// A port that nobody listened on a moment ago.
func freePort() throws -> Int {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutableBytes(of: &address) { bytes in
        let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
        try #require(bind(listener, pointer, size) == 0 && getsockname(listener, pointer, &size) == 0)
    }
    return Int(UInt16(bigEndian: address.sin_port))
}

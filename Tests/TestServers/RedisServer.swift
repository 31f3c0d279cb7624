package import Foundation
internal import Logging
internal import SeckillCore
package import SeckillRedis

/// A redis-server that a test starts, kills and starts again: in a folder of its own, on a socket of its own, with the
/// durability that is recommended.
package actor RedisServer {
    /// The program, if it is installed.
    package static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/redis-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Whether what needs the program is tested. Where the tests are strict, whatever is missing: they fail then, and
    /// nobody takes what was left out for what has passed.
    package static let isExpected = path != nil || ProcessInfo.processInfo.environment["SECKILL_STRICT"] != nil

    package nonisolated let folder: URL
    private let options: [String]
    private let password: String?
    private var process: ChildProcess?
    private var guardian: ChildProcess?
    /// The guardian acts when this end is closed, and it closes with the process of the tests.
    private var lifeline: PrivatePipe?

    package nonisolated var socket: String { folder.appending(path: "redis.sock").path }
    package nonisolated var configuration: RedisConfiguration {
        RedisConfiguration(address: .unix(path: socket), password: password)
    }

    private init(options: [String], password: String?) throws {
        self.options = options
        self.password = password
        folder = URL.scratch.appending(path: "seckill-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Runs `body` with a server that is up, or, if it is `asleep`, one to be started; ends the server afterwards.
    /// - Parameter isReplica: it is another server's replica, which no client of a master may use: nobody waits for it.
    package static func with<Result: Sendable>(
        options: [String] = [],
        password: String? = nil,
        asleep: Bool = false,
        isReplica: Bool = false,
        _ body: (RedisServer) async throws -> Result
    ) async throws -> Result {
        let server = try RedisServer(options: options, password: password)
        do {
            if !asleep { try await server.start(waiting: !isReplica) }
            let result = try await body(server)
            await server.end()
            return result
        } catch {
            await server.end()
            throw error
        }
    }

    package func start(waiting: Bool = true) async throws {
        guard let path = Self.path else { throw NotInstalled() }
        let arguments =
            [
                "--port", "0", "--unixsocket", socket, "--dir", folder.path, "--save", "", "--appendonly", "yes",
                "--appendfsync", "everysec", "--loglevel", "warning", "--enable-debug-command", "yes",
            ] + (password.map { ["--requirepass", $0] } ?? []) + options
        let process = try ChildProcess(path, arguments)
        self.process = process
        try guardProcess(process.pid)
        guard waiting else { return }
        // Loading included: a first answer means that it is ready.
        var configuration = configuration
        configuration.timeout = .seconds(20)
        try await RedisConnection.connect(
            configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).close()
    }

    /// Lets the server stand still, as on a machine that is busy, until ``resume()``.
    package func suspend() { process?.send(SIGSTOP) }
    package func resume() { process?.send(SIGCONT) }

    /// Ends the server as a crash does.
    package func kill() async {
        // The guardian first: once the server is gone, its number may be another's.
        for process in [guardian, process].compactMap(\.self) {
            process.send(SIGKILL)
            await process.end()
        }
        (process, guardian, lifeline) = (nil, nil, nil)
    }

    /// What the append-only file holds goes with it.
    package func deleteData() throws {
        for item in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            try FileManager.default.removeItem(at: item)
        }
    }

    private func end() async {
        await kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Kills the server if the tests die.
    private func guardProcess(_ pid: pid_t) throws {
        let lifeline = try PrivatePipe()
        let script = "read _; kill -9 \(pid) 2>/dev/null"
        guardian = try ChildProcess("/bin/sh", ["-c", script], input: lifeline.reading.fileDescriptor)
        self.lifeline = lifeline
    }

    private struct NotInstalled: Error, CustomStringConvertible {
        var description: String { "no redis-server on the PATH (Debian: apt install redis-server)" }
    }
}

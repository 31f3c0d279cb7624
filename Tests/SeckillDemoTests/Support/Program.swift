import Foundation
import SeckillCore
import TestServers

/// The demo's executable, run as a process of its own.
final class Program: Sendable {
    /// How a process ended and what it said.
    struct End: Sendable {
        var status: Int32
        var out: String
        var err: String
    }

    private struct State: Sendable {
        var out = ""
        /// Everything it will ever write has been read.
        var isRead = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    private let process: ChildProcess
    private let errors: String
    let folder: TemporaryFolder

    /// Starts the executable with a folder of its own for what it writes.
    init(
        _ arguments: [String],
        of executable: URL = Program.executable,
        environment: [String: String] = [:],
        in folder: TemporaryFolder
    ) throws {
        self.folder = folder
        errors = folder.path("err-" + Base64URL.encode(SystemRandom().bytes(6)))
        let out = try PrivatePipe()
        let err = open(errors, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard err >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(err) }
        process = try ChildProcess(
            executable.path,
            arguments,
            // A crash is told by its message; what traces it would hold the pipe, and may never end.
            environment: environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { given, _ in given },
            output: out.writing.fileDescriptor,
            errors: err
        )
        try out.writing.close()
        Thread.detachNewThread { [state] in
            while case let data = out.reading.availableData, !data.isEmpty {
                Self.change(state) { $0.out += String(decoding: data, as: UTF8.self) }
            }
            Self.change(state) { $0.isRead = true }
        }
    }

    /// A test that fails leaves no server behind.
    deinit { kill() }

    var pid: pid_t { process.pid }

    /// Runs the executable to its end.
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        in folder: TemporaryFolder = TemporaryFolder()
    ) async throws -> End {
        try await Program(arguments, environment: environment, in: folder).end()
    }

    /// Starts a server on the folder's ledger. The server, once it listens, and its port.
    static func serve(
        _ arguments: [String] = [],
        in folder: TemporaryFolder = TemporaryFolder()
    ) async throws -> (Program, port: Int) {
        let program = try Program(serving(folder) + arguments, in: folder)
        return (program, try await program.port("swift-seckill listens on "))
    }

    /// The port that the program says it listens on, in the line that begins so.
    func port(_ beginning: String) async throws -> Int {
        func line() -> Substring? {
            output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first { $0.hasPrefix(beginning) }
        }
        await wait { state in state.isRead || line() != nil }
        guard let line = line(), let port = Int(line[line.lastIndex(of: ":")!...].dropFirst()) else {
            throw NotServing(end: await end())
        }
        return port
    }

    struct NotServing: Error { var end: End }

    /// What every server is told.
    static func serving(_ folder: TemporaryFolder) -> [String] {
        [
            "serve", "--port", "0", "--ledger", folder.path("ledger.sqlite"), "--admin-token", Storefront.token,
            "--log-level", "warning",
        ]
    }

    var output: String { state.withLock { $0.out } }
    var isRunning: Bool { process.status == nil }

    func terminate() { process.send(SIGTERM) }
    func kill() { process.send(SIGKILL) }

    func end() async -> End {
        let status = await process.end()
        await wait { $0.isRead }
        let err = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        return End(status: status, out: output, err: err)
    }

    /// Asks the process to end, and waits until it has.
    func stop() async -> End {
        terminate()
        return await end()
    }

    private func wait(until holds: (State) -> Bool) async {
        while true {
            let now = state.withLock { $0 }
            if holds(now) { return }
            await withCheckedContinuation { continuation in
                let changed = state.withLock { state in
                    let changed = state.out.utf8.count != now.out.utf8.count || state.isRead != now.isRead
                    if !changed { state.waiting.append(continuation) }
                    return changed
                }
                if changed { continuation.resume() }
            }
        }
    }

    private static func change(_ state: Locked<State>, _ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Built beside the tests.
    static let executable: URL = {
        #if os(macOS)
            let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }!.bundleURL
        #else
            let tests = URL(fileURLWithPath: CommandLine.arguments[0])
        #endif
        return tests.deletingLastPathComponent().appendingPathComponent("SeckillDemo")
    }()
}

import Foundation
import SeckillCore

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
        /// Set when it has ended and everything it wrote has been read.
        var status: Int32?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    private let errors: String
    let pid: pid_t
    let folder: TemporaryFolder

    /// Starts the executable with a folder of its own for what it writes.
    ///
    /// By `posix_spawn` and a thread that waits: Foundation's `Process` now and then misses that one has ended.
    init(
        _ arguments: [String],
        of executable: URL = Program.executable,
        environment: [String: String] = [:],
        in folder: TemporaryFolder
    ) throws {
        self.folder = folder
        errors = folder.path("err-" + Base64URL.encode(SystemRandom().bytes(6)))
        let out = Pipe()
        let (reading, writing) = (out.fileHandleForReading.fileDescriptor, out.fileHandleForWriting.fileDescriptor)
        // Or a process that another test starts meanwhile would hold the pipe open.
        for descriptor in [reading, writing] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        pid = try Self.spawn(executable, arguments, environment, out: writing, err: errors)
        try out.fileHandleForWriting.close()
        Thread.detachNewThread { [state, pid] in
            while case let data = out.fileHandleForReading.availableData, !data.isEmpty {
                Self.change(state) { $0.out += String(decoding: data, as: UTF8.self) }
            }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            // As a shell tells it: 128 and the signal for one that was killed.
            let signal = status & 0x7F
            let code = signal == 0 ? status >> 8 & 0xFF : 128 + signal
            Self.change(state) { $0.status = code }
        }
    }

    /// A test that fails leaves no server behind.
    deinit { if isRunning { kill() } }

    private static func spawn(
        _ executable: URL,
        _ arguments: [String],
        _ environment: [String: String],
        out: Int32,
        err: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, out, 1)
        posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT, 0o600)
        // A crash is told by its message; what traces it would hold the pipe, and may never end.
        let own = environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { given, _ in given }
        let variables = ProcessInfo.processInfo.environment.merging(own) { $1 }.map { "\($0)=\($1)" }
        let argv = ([executable.path] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, executable.path, &actions, nil, argv, envp)
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .ENOENT) }
        return pid
    }

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
        await program.wait { $0.out.contains("\n") || $0.status != nil }
        guard let colon = program.output.lastIndex(of: ":"),
            let port = Int(program.output[colon...].dropFirst().trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw NotServing(end: await program.end()) }
        return (program, port)
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
    var isRunning: Bool { state.withLock { $0.status == nil } }

    func terminate() { _ = Foundation.kill(pid, SIGTERM) }
    func kill() { _ = Foundation.kill(pid, SIGKILL) }

    func end() async -> End {
        await wait { $0.status != nil }
        let err = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        return state.withLock { End(status: $0.status!, out: $0.out, err: err) }
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
                    let changed = state.out.utf8.count != now.out.utf8.count || state.status != now.status
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

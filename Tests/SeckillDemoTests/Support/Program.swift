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
        var status: Int32?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    private let errors: String
    private let process = Process()
    let folder: TemporaryFolder

    /// Starts the executable with a folder of its own for what it writes.
    init(_ arguments: [String], environment: [String: String] = [:], in folder: TemporaryFolder) throws {
        self.folder = folder
        errors = folder.path("err-" + Base64URL.encode(SystemRandom().bytes(6)))
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        process.executableURL = Self.executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardError = FileHandle(forWritingAtPath: errors)
        let out = Pipe()
        process.standardOutput = out
        out.fileHandleForReading.readabilityHandler = { [state] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            Self.change(state) { $0.out += String(decoding: data, as: UTF8.self) }
        }
        process.terminationHandler = { [state] process in
            Self.change(state) { $0.status = process.terminationStatus }
        }
        try process.run()
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
        let fixed = [
            "serve", "--port", "0", "--ledger", folder.path("ledger.sqlite"), "--admin-token", Storefront.token,
            "--log-level", "warning",
        ]
        let program = try Program(fixed + arguments, in: folder)
        await program.wait { $0.out.contains("\n") || $0.status != nil }
        guard let colon = program.output.lastIndex(of: ":"),
            let port = Int(program.output[colon...].dropFirst().trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw NotServing(end: await program.end()) }
        return (program, port)
    }

    struct NotServing: Error { var end: End }

    var output: String { state.withLock { $0.out } }
    var isRunning: Bool { state.withLock { $0.status == nil } }

    func terminate() { process.terminate() }
    func kill() { _ = Foundation.kill(process.processIdentifier, SIGKILL) }

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
    private static let executable: URL = {
        #if os(macOS)
            let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }!.bundleURL
        #else
            let tests = URL(fileURLWithPath: CommandLine.arguments[0])
        #endif
        return tests.deletingLastPathComponent().appendingPathComponent("SeckillDemo")
    }()
}

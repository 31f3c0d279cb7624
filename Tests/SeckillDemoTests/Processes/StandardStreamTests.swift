import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import SeckillDemo

/// Standard streams that are closed, full or without a reader.
@Suite(.timeLimit(.minutes(3)))
struct StandardStreamTests {
    private let folder = TemporaryFolder()

    /// Starts `program` with its streams as a shell redirects them.
    private func start(_ program: URL, _ arguments: [String], _ redirection: String) throws -> ChildProcess {
        try ChildProcess(
            "/bin/sh",
            ["-c", #"exec "$0" "$@" \#(redirection)"#, program.path] + arguments,
            environment: ["SWIFT_BACKTRACE": "enable=no"]
        )
    }

    /// A port that nobody listens on.
    private func unusedPort() async throws -> Int {
        let probe = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = probe.localAddress!.port!
        try await probe.close()
        return port
    }

    @Test(arguments: [
        "> /dev/full", ">&-", "2> /dev/full", "2>&-", "<&- >&- 2>&-", "> /dev/full 2>&1", "no reader",
    ])
    func aServerServesWhateverItsStreamsAre(_ redirection: String) async throws {
        let port = try await unusedPort()
        let arguments = Program.serving(folder) + ["--port", "\(port)", "--log-level", "trace"]
        let server: ChildProcess
        if redirection == "no reader" {
            let pipe = try PrivatePipe()
            try pipe.reading.close()
            let end = pipe.writing.fileDescriptor
            server = try ChildProcess(Program.executable.path, arguments, output: end, errors: end)
        } else {
            server = try start(Program.executable, arguments, redirection)
        }
        defer { server.send(SIGKILL) }
        let isServing = await eventually {
            guard server.status == nil, let client = try? await WebClient.connect(to: port) else {
                return server.status != nil
            }
            let answer = try? await client.send(.get, "/ready")
            await client.close()
            return answer?.status == 200
        }
        #expect(isServing && server.status == nil)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        #expect(try await alice.send(.get, "/api/session").status == 200)
        server.send(SIGTERM)
        #expect(await server.end() == 0)
        // Nothing was written into a file that got the number of a stream.
        #expect(try await Program.run(["audit", "--ledger", folder.path("ledger.sqlite")]).status == 0)
    }

    @Test(arguments: ["> /dev/full", ">&-"])
    func outputThatCannotBeWrittenIsAnError(_ redirection: String) async throws {
        let (server, port) = try await Program.serve(["--rate-limit", "off"], in: folder)
        let ledger = ["--ledger", folder.path("ledger.sqlite")]
        let load = Program.executable.deletingLastPathComponent().appendingPathComponent("SeckillLoad")
        let rehearsal = [
            "http://127.0.0.1:\(port)", "--admin-token", Storefront.token, "--buyers", "2", "--loops", "1", "--stock",
            "5",
        ]
        #expect(try await start(load, rehearsal, redirection).end() == 1)
        #expect(await server.stop().status == 0)
        let backup = folder.path("backup")
        #expect(try await start(Program.executable, ["audit"] + ledger, redirection).end() == 2)
        #expect(try await start(Program.executable, ["backup", "--to", backup] + ledger, redirection).end() == 1)
        #expect(try await start(Program.executable, ["restore", "--from", backup] + ledger, redirection).end() == 1)
        #expect(try await Program.run(["audit"] + ledger).status == 0)
    }
}

import Foundation
import SeckillCore
import Testing

/// The rehearsal tool against the real server.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct LoadTests {
    private func rehearse(_ arguments: [String]) async throws -> Program.End {
        let load = Program.executable.deletingLastPathComponent().appending(path: "SeckillLoad")
        return await (try Program(arguments, of: load, in: TemporaryFolder())).end()
    }

    @Test func aRehearsalIsExactAndSaysWhatItSaw() async throws {
        let (server, port) = try await Program.serve(["--rate-limit", "off"])
        let end = try await rehearse([
            "http://127.0.0.1:\(port)", "--admin-token", Storefront.token, "--stock", "30", "--buyers", "20",
            "--loops", "4", "--ramp-up", "0.1",
        ])
        #expect(end.status == 0, "\(end.err)")
        #expect(end.out.contains("exact: 30 accepted; the server took 30"), "\(end.out)")
        #expect(end.out.contains("purchase not done: sold_out 50"), "\(end.out)")
        #expect(await server.stop().status == 0)
    }

    @Test func aCrowdDoesTheWorkThatIsAsked() async throws {
        let (server, port) = try await Program.serve(["--rate-limit", "off", "--captcha", "on", "--work-bits", "8"])
        for prepared in [[], ["--prepared"]] {
            let end = try await rehearse(
                [
                    "http://127.0.0.1:\(port)", "--admin-token", Storefront.token, "--stock", "30", "--buyers", "10",
                    "--sale", "work\(prepared.count)", "--loops", "4", "--ramp-up", "0.1",
                ] + prepared
            )
            #expect(end.status == 0, "\(end.err)")
            #expect(end.out.contains("exact: 30 accepted; the server took 30"), "\(end.out)")
            #expect(end.out.contains("proofs of work: 40 solved here"), "\(end.out)")
        }
        #expect(await server.stop().status == 0)
    }

    @Test func interruptedItReportsWhatItSaw() async throws {
        let (server, port) = try await Program.serve(["--rate-limit", "off"])
        let load = Program.executable.deletingLastPathComponent().appending(path: "SeckillLoad")
        let program = try Program(
            [
                "http://127.0.0.1:\(port)", "--admin-token", Storefront.token, "--buyers", "5", "--loops", "1000",
                "--think", "0.1",
            ],
            of: load,
            in: TemporaryFolder()
        )
        let shopkeeper = Operator(client: try await WebClient.connect(to: port))
        let started = try await eventually {
            try await shopkeeper.report("rehearsal")["sequence"] > 5
        }
        #expect(started)
        _ = kill(program.pid, SIGINT)
        let end = await program.end()
        #expect(end.status == 0, "\(end.err)")
        #expect(end.out.contains("ended early") && end.out.contains("exact: "), "\(end.out)")
        #expect(await server.stop().status == 0)
    }

    @Test func interruptedItDoesNotWaitForAServerThatHangs() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let sessions = Locked(0)
        let server = try await ScriptedServer { request in
            if request == "GET /api/sales/rehearsal" { return .answer(200, #"{"remaining":1,"stock":1}"#) }
            // It asks whether there is work, and then one client logs in.
            if request.hasSuffix("/challenge") { return .answer(404, "{}") }
            guard
                sessions.withLock({
                    $0 += 1; return $0
                }) == 2
            else { return .answer(204, "") }
            ask.yield()
            return .silence
        }
        let load = Program.executable.deletingLastPathComponent().appending(path: "SeckillLoad")
        let program = try Program(
            ["http://127.0.0.1:\(server.port)", "--buyers", "1", "--timeout", "60"],
            of: load,
            in: TemporaryFolder()
        )
        _ = await asked.first { _ in true }
        let start = ContinuousClock.now
        _ = kill(program.pid, SIGINT)
        let end = await program.end()
        #expect(end.status == 0 && end.out.contains("ended early"), "\(end)")
        #expect(ContinuousClock.now - start < .seconds(20))
        await server.close()
    }

    @Test func aServerThatIsNotThereIsSaid() async throws {
        let end = try await rehearse(["http://127.0.0.1:1"])
        #expect(end.status == 64 && end.err.contains("connection refused"), "\(end)")
    }
}

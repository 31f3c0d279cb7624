import Foundation
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// How the real server starts, stops and is stopped.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct LifeTests {
    private let folder = TemporaryFolder()
    private let tea = [
        "--rate-limit", "off",
        "--sale", #"{"id":"tea","title":"Tea","price":1,"stock":100000,"limitPerUser":1000}"#,
    ]

    /// In the middle of a sale, with purchases in hand and an open event stream at every node.
    @Test(arguments: Mode.queueing)
    func toldToStopItAnswersAllAndRecordsAll(_ mode: Mode) async throws {
        try await Chain.open(mode, tea) { chain in
            let (acceptances, acceptance) = AsyncStream.makeStream(of: Void.self)
            let clients = try await chain.clients(20)
            async let load = clients.enumerated().map { $0 }.concurrently { number, client in
                let buyer = try await Buyer("buyer \(number)", client)
                var accepted: [String] = []
                // Until told that the connection ends; an answer that does not come is an error.
                while true {
                    let link = try await buyer.send(.post, "/api/sales/tea/link", "{}")
                    if link.fields[.connection] != nil { break }
                    guard let href = link["href"].text else { continue }
                    var answer = try await buyer.send(.post, href)
                    while answer.problem == .unavailable, answer.fields[.connection] == nil {
                        answer = try await buyer.send(.post, href)
                    }
                    if answer.status == 202 {
                        accepted.append(answer["order"].text!)
                        acceptance.yield()
                    }
                    if answer.fields[.connection] != nil || answer.status != 202 { break }
                }
                return accepted
            }
            let streams = try await chain.ports.concurrently { try await RawConnection.listening(to: "tea", at: $0) }
            #expect(await eventually { streams.allSatisfy { $0.heard.contains("event: sale") } })
            var count = 0
            for await _ in acceptances {
                count += 1
                if count == 100 { break }
            }
            for program in chain.programs {
                let start = ContinuousClock.now
                #expect(await program.stop().status == 0)
                #expect(ContinuousClock.now - start < .seconds(10))
            }
            // Ended as HTTP has it, not cut off.
            for stream in streams { #expect(try await stream.heardAtTheEnd().hasSuffix("0\r\n\r\n")) }
            let accepted = try await load.flatMap { $0 }
            #expect(accepted.count >= 100 && Set(accepted).count == accepted.count)

            let shared = chain.redis.map { ["--redis", $0.url] } ?? []
            let (again, newPort) = try await Program.serve(shared, in: chain.folder)
            let shopkeeper = try await Operator(client: WebClient.connect(to: newPort))
            let installed = try await eventually { try await shopkeeper.report("tea").accountsForAll }
            #expect(installed)
            let report = try await shopkeeper.report("tea")
            #expect(report["awaiting"] == accepted.count && report["rejected"] == 0)
            #expect(await again.stop().status == 0)
        }
    }

    @Test func killedItLosesNothing() async throws {
        let (server, port) = try await Program.serve(tea + ["--ledger-rate", "1"], in: folder)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        var orders: [String] = []
        for _ in 0..<50 { orders.append(try await alice.buy("tea")["order"].text!) }
        let shopkeeper = Operator(client: alice.client)
        #expect(try await shopkeeper.report("tea")["pending"] > 0)
        server.kill()
        #expect(await server.end().status == 128 + SIGKILL)

        let (again, newPort) = try await Program.serve(in: folder)
        // Still logged in.
        let back = alice.on(try await WebClient.connect(to: newPort))
        let recorded = try await eventually {
            let report = try await Operator(client: back.client).report("tea")
            return report["awaiting"] == 50 && report.accountsForAll
        }
        #expect(recorded)
        for order in orders {
            #expect(try await back.send(.get, "/api/orders/\(order)")["status"] == "awaiting_payment")
        }
        let report = try await Operator(client: back.client).report("tea")
        #expect(report["epoch"] == 1 && report["rejected"] == 0)
        #expect(await again.stop().status == 0)
        try await again.expectCleanAudit()
    }

    @Test func whatTheDirectModeDidIsKnownWithoutIt() async throws {
        let (server, port) = try await Program.serve(tea, in: folder)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        let order = try #require(try await alice.buy("tea")["order"].text)
        #expect(await server.stop().status == 0)

        let (direct, directPort) = try await Program.serve(["--direct"], in: folder)
        let there = alice.on(try await WebClient.connect(to: directPort))
        #expect(try await there.send(.delete, "/api/orders/\(order)")["status"] == "cancelled")
        let closed = try await eventually { try await Operator(client: there.client).report("tea")["returning"] == 0 }
        #expect(closed)
        #expect(await direct.stop().status == 0)
        try await direct.expectCleanAudit()

        let (again, newPort) = try await Program.serve(in: folder)
        let shopkeeper = try await Operator(client: WebClient.connect(to: newPort))
        let rebuilt = try await eventually { try await shopkeeper.report("tea")["remaining"] == 100_000 }
        #expect(rebuilt)
        #expect(await again.stop().status == 0)
        try await again.expectCleanAudit()
    }

    @Test func anotherServerIsKeptFromTheFiles() async throws {
        let (server, _) = try await Program.serve(in: folder)
        await #expect { try await Program.serve(in: folder) } throws: {
            let end = ($0 as? Program.NotServing)?.end
            return end?.status == 1 && end?.err.contains("belongs to process \(server.pid)") == true
        }
        server.kill()
        _ = await server.end()
        let (again, _) = try await Program.serve(in: folder)
        #expect(await again.stop().status == 0)
    }

    @Test(arguments: ["", "/stock.journal", "/sessions.journal"])
    func filesThatCannotBeUsedAreSaid(_ name: String) async throws {
        let files = folder.path("ledger.sqlite.journals")
        if !name.isEmpty { try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: false) }
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: files + name))
        await #expect { try await Program.serve(in: folder) } throws: {
            let end = ($0 as? Program.NotServing)?.end
            return end?.status == 1 && end?.err.hasPrefix("Error: ") == true && end?.err.contains(files + name) == true
        }
    }

    @Test func aPortInUseIsSaid() async throws {
        let (server, port) = try await Program.serve(in: folder)
        let other = TemporaryFolder()
        let end = try await Program.run(["--port", "\(port)", "--ledger", other.path("l")], in: other)
        #expect(end.status == 1 && end.err.contains("another process has the port") && end.out.isEmpty)
        #expect(await server.stop().status == 0)
    }

    @Test(arguments: ["no-such-host.invalid", "8.8.8.8", "999.1.1.1"])
    func aHostThatIsNotHereIsSaid(_ host: String) async throws {
        let end = try await Program.run(["--host", host, "--port", "0", "--ledger", folder.path("l")], in: folder)
        #expect(end.status == 1 && end.err.contains("--host"))
    }

    @Test func aLedgerThatCannotBeUsedIsSaid() async throws {
        try Data("not a database, but long enough to be looked at".utf8)
            .write(to: URL(fileURLWithPath: folder.path("foreign")))
        for ledger in [folder.path("foreign"), folder.path("none/ledger"), folder.path(""), "/dev/full"] {
            let end = try await Program.run(["--port", "0", "--ledger", ledger], in: folder)
            #expect(end.status == 1 && end.err.hasPrefix("Error: ledger "), "\(ledger): \(end.err)")
            #expect(end.out.isEmpty)
        }
    }

    @Test func flagsThatAreUnknownOrWrongAreRefused() async throws {
        for arguments in [
            ["--nope"], ["nope"], ["--port"], ["--port", "x"], ["serve", "--sale", "{"], ["--role", "web"],
            ["--redis", "rediss://x"],
        ] {
            let end = try await Program.run(arguments, in: folder)
            #expect(end.status == 64 && end.err.hasPrefix("Error: ") && end.out.isEmpty, "\(arguments)")
        }
        let end = try await Program.run([], environment: ["SECKILL_LEDGER_RATE": "-1"], in: folder)
        #expect(end.status == 64 && end.err.contains("SECKILL_LEDGER_RATE"))
    }

    @Test func helpNamesEveryFlag() async throws {
        for arguments in [["--help"], ["serve", "--help"]] {
            let help = try await Program.run(arguments, in: folder)
            #expect(help.status == 0)
            for setting in Setting.allCases { #expect(help.out.contains("--\(setting.rawValue)")) }
        }
    }
}

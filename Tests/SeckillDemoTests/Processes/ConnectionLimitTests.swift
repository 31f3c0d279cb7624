import Foundation
import HTTPTypes
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// More connections than a server can have.
@Suite(.timeLimit(.minutes(3)))
struct ConnectionLimitTests {
    private let folder = TemporaryFolder()
    private let sale = #"{"id":"tea","title":"Tea","price":1,"stock":1000,"limitPerUser":1000}"#

    /// A server that may have so many descriptors, its port and that for operators.
    private func serve(
        _ limit: String,
        _ more: [String] = []
    ) async throws -> (Program, port: Int, operations: Int) {
        let program = try Program(
            ["-c", #"\#(limit); exec "$0" "$@""#, Program.executable.path] + Program.serving(folder)
                + ["--rate-limit", "off", "--sale", sale, "--operations-port", "0"] + more,
            of: URL(fileURLWithPath: "/bin/sh"),
            in: folder
        )
        return (
            program, port: try await program.port("swift-seckill listens on "),
            operations: try await program.port("operations are on ")
        )
    }

    @Test func silentConnectionsKeepNobodyFromBuying() async throws {
        let (server, port, operations) = try await serve("ulimit -n 300")
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        #expect(try await alice.buy("tea").status == 202)
        var silent: [RawConnection] = []
        for number in 0..<500 {
            let client = try await RawConnection(to: port)
            if number % 3 == 1 { try? await client.send("POST /api/session HTTP/1.1\r\nHost: a") }
            if number % 3 == 2 { try? await client.send("GET /api/sales/tea/events HTTP/1.1\r\nHost: a\r\n\r\n") }
            silent.append(client)
            if number % 50 == 0 {
                #expect(try await alice.buy("tea").status == 202)
                // A buyer who has just come.
                let bob = try await WebClient.connect(to: port)
                #expect(try await bob.send(.get, "/api/sales/tea").status == 200)
                await bob.close()
            }
        }
        // Everything that reads the ledger finds a descriptor.
        let statuses = try await (0..<40).concurrently { _ in try await alice.send(.get, "/api/orders").status }
        #expect(statuses.allSatisfy { $0 == 200 })
        let backup = ["backup", "--ledger", folder.path("ledger.sqlite"), "--to", folder.path("backup")]
        #expect(try await Program.run(backup).status == 0)
        // Those who watch over the server are not among the crowd.
        let watcher = try await WebClient.connect(to: operations)
        let metrics = try await watcher.send(.get, "/metrics").text
        func value(_ name: String) -> Double {
            let line = metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { Double($0.dropFirst(name.count + 1)) } ?? -1
        }
        let limit = 300 - 200 - 3 * Double(ProcessInfo.processInfo.activeProcessorCount)
        #expect((limit / 2...limit).contains(value(#"seckill_connections{listener="public"}"#)))
        #expect(value(#"seckill_connections_closed_total{listener="public",reason="evicted"}"#) > 100)
        #expect((1...limit / 2).contains(value("seckill_event_streams")))
        #expect(value("seckill_event_streams_refused_total") > 0)
        for client in silent { await client.close() }
        let end = await server.stop()
        #expect(end.status == 0)
        #expect(end.err.matches(of: /too many connections/).count == 1, "\(end.err)")
        try await server.expectCleanAudit()
    }

    @Test func theSoftLimitIsRaised() async throws {
        let (server, port, _) = try await serve("ulimit -Sn 100")
        let clients = try await (0..<200).concurrently { _ in try await WebClient.connect(to: port) }
        let statuses = try await clients.concurrently { try await $0.send(.get, "/health").status }
        #expect(statuses.allSatisfy { $0 == 200 })
        for client in clients { await client.close() }
        #expect(await server.stop().status == 0)
    }

    @Test func whatCannotBeHadIsRefused() async throws {
        for (limit, arguments, reason) in [
            ("ulimit -n 300", ["--max-connections", "200"], "--max-connections can be"),
            ("ulimit -n 128", [], "raise ulimit -Hn"),
        ] {
            let program = try Program(
                ["-c", #"\#(limit); exec "$0" "$@""#, Program.executable.path] + Program.serving(folder) + arguments,
                of: URL(fileURLWithPath: "/bin/sh"),
                in: folder
            )
            let end = await program.end()
            #expect(end.status == 1 && end.err.contains(reason), "\(end.err)")
        }
    }
}

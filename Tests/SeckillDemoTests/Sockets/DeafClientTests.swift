import SeckillCore
import Testing

@testable import SeckillDemo

/// Clients that ask and never read do not spoil the end for the others.
@Suite(.timeLimit(.minutes(3)))
struct DeafClientTests {
    private let folder = TemporaryFolder()

    @Test func theyDoNotKeepTheServerFromEndingWell() async throws {
        let sale = #"{"id":"tea","title":"Tea","price":1,"stock":100}"#
        let (server, port) = try await Program.serve(["--rate-limit", "off", "--sale", sale], in: folder)
        var deaf: [RawConnection] = []
        // Answered ahead, answered by the site, and never to end.
        for path in ["/sales/tea", "/api/sales", "/api/sales/tea/events"] {
            let client = try await RawConnection(to: port, isDeaf: true)
            let ask = "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
            // More than all sockets on the way have room for.
            Task { try? await client.send(String(repeating: ask, count: 20_000)) }
            deaf.append(client)
        }
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        #expect(try await alice.buy("tea").status == 202)
        let start = ContinuousClock.now
        let end = await server.stop()
        #expect(end.status == 0, "\(end.err)")
        #expect(ContinuousClock.now - start < .seconds(8))
        for client in deaf { await client.close() }
        try await server.expectCleanAudit()
    }
}

import Foundation
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// Files are removed under a running server: it says so and accepts nothing more.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct RemovedFileTests {
    private let folder = TemporaryFolder()

    @Test(arguments: [
        "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite.journals",
        "ledger.sqlite.journals/stock.journal", "ledger.sqlite.journals/sessions.journal",
    ])
    func whatIsRemovedIsNoticed(_ name: String) async throws {
        let tea = #"{"id":"tea","title":"Tea","price":1,"stock":100,"limitPerUser":100}"#
        let (server, port) = try await Program.serve(["--rate-limit", "off", "--sale", tea], in: folder)
        let client = try await WebClient.connect(to: port)
        let alice = try await Buyer("alice", client)
        #expect(try await alice.buy("tea").status == 202)
        let link = try await alice.link("tea")
        let isQuiet = try await eventually { try await Operator(client: client).report("tea")["pending"] == 0 }
        #expect(isQuiet)
        #expect(try await client.send(.get, "/ready").status == 200)
        try FileManager.default.removeItem(atPath: folder.path(name))
        let isNoticed = try await eventually(within: .seconds(10)) {
            try await client.send(.get, "/ready").status == 503
        }
        #expect(isNoticed)
        let answer = try await client.send(.get, "/ready")
        #expect(answer["reasons"].elements?.contains { $0.text?.contains("removed") == true } == true, "\(answer.text)")
        if name.hasSuffix("sessions.journal") {
            // Orders are kept as before. Logins would be lost.
            let login = try await client.send(.post, "/api/session", #"{"user":"bob"}"#)
            #expect(login.problem == .unavailable)
        } else {
            // The sale is closed within a sweep, if it does not refuse at once.
            let isClosed = try await eventually(within: .seconds(10)) {
                try await client.send(.get, "/api/sales/tea")["state"] == "rebuilding"
            }
            #expect(isClosed)
            #expect(try await alice.send(.post, link).status != 202)
        }
        server.terminate()
        let end = await server.end()
        #expect(end.err.components(separatedBy: "this node cannot sell").count >= 2, "\(end.err)")
    }
}

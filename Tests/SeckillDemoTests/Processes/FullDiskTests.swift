import HTTPTypes
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// The disk under ledger and journals runs full while the real server sells.
@Suite(.enabled(if: SmallDisk.isAvailable, "needs the right to mount"), .timeLimit(.minutes(3)))
struct FullDiskTests {
    @Test func itStopsTheSaleAndNothingElseUntilThereIsRoom() async throws {
        let disk = try SmallDisk(kilobytes: 32 << 10)
        let folder = TemporaryFolder(in: disk.folder)
        let sales = [
            #"{"id":"tea","title":"Tea","price":1,"stock":100000,"limitPerUser":1000}"#,
            #"{"id":"gone","title":"Gone","price":1,"stock":0}"#,
        ]
        let flags = ["--rate-limit", "off", "--sale", "[\(sales.joined(separator: ","))]"]
        let (server, port) = try await Program.serve(flags, in: folder)
        let log = ClientLog()
        // Names as long as that fill what the journal has set aside sooner.
        let buyers = try await (0..<32).concurrently { number in
            try await log.logIn("\(number)" + String(repeating: "n", count: 120), WebClient.connect(to: port))
        }
        try disk.fill()
        await withTaskGroup { group in
            for (number, buyer) in buyers.enumerated() {
                group.addTask { await log.shop(as: buyer, in: ["tea"], seed: number) }
            }
            let isStopped = await eventually(within: .seconds(90)) { log.undecided >= buyers.count }
            #expect(isStopped)
            group.cancelAll()
        }
        let client = try await WebClient.connect(to: port)
        let alice = buyers[0].on(client)
        #expect(try await client.send(.get, "/health").status == 200)
        let purchase = try await alice.send(.post, alice.link("tea"))
        #expect(purchase.problem == .unavailable && purchase.fields[.retryAfter] != nil)
        #expect(try await alice.buy("gone").problem == .soldOut)

        try disk.clear()
        try await log.askAgain(on: client)
        let shopkeeper = Operator(client: client)
        let isQuiet = try await eventually {
            let report = try await shopkeeper.report("tea")
            return report["pending"] == 0 && report.accountsForAll
        }
        #expect(isQuiet)
        let report = try await shopkeeper.report("tea")
        #expect(report["rejected"] == 0 && report["epoch"] == 1)
        try await log.expectRows(in: folder.path("ledger.sqlite"))
        #expect(await server.stop().status == 0)
        try await server.expectCleanAudit()
    }
}

import Foundation
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// Servers on the same files, one after the other, each of them killed.
struct KillSeason {
    private static let sales = ["plenty", "scarce"]

    private let folder = TemporaryFolder()
    private let log = ClientLog()
    private var server: (program: Program, port: Int)
    /// Logged in before the first kill, and the first to buy after each.
    private let first: Buyer
    private(set) var restarts: [Duration] = []

    init() async throws {
        let sales = [
            #"{"id":"plenty","title":"P","price":1,"stock":1000000,"limitPerUser":1000}"#,
            // Sold out at once, and again whenever something comes back.
            #"{"id":"scarce","title":"S","price":1,"stock":40,"limitPerUser":1000,"paymentWindow":1}"#,
        ]
        server = try await Program.serve(
            ["--rate-limit", "off", "--sale", "[\(sales.joined(separator: ","))]"],
            in: folder
        )
        first = try await log.logIn("first", WebClient.connect(to: server.port))
    }

    /// Kills the server after a random number of answers.
    func loadAndKill(_ round: Int) async throws {
        let last = log.answers + Int.random(in: 1...500)
        try await withThrowingTaskGroup { group in
            for number in 0..<16 {
                group.addTask {
                    let client = try await WebClient.connect(to: server.port)
                    // Some come back with the session they had, others log in.
                    let buyer =
                        number < 4 ? log.regular(on: client) : try? await log.logIn("\(round)-\(number)", client)
                    if let buyer { await log.shop(as: buyer, in: Self.sales, seed: round + number) }
                    await client.close()
                }
            }
            let isLoaded = await eventually { log.answers >= last }
            #expect(isLoaded)
            if round.isMultiple(of: 3) { try await server.program.expectCleanAudit() }
            server.program.kill()
            try await group.waitForAll()
        }
        #expect(await server.program.end().status == 128 + SIGKILL)
        try await server.program.expectCleanAudit()
    }

    /// Starts a server and kills it while it reads its files, or soon after.
    func killWhileStarting() async throws {
        let program = try Program(Program.serving(folder), in: folder)
        for _ in 0..<Int.random(in: 0...20_000) { await Task.yield() }
        program.kill()
        _ = await program.end()
    }

    /// Starts the next server, buys, and compares everything with what the buyers know.
    ///
    /// If its ledger is `slow`, most orders are only in the journal when it is killed; otherwise many are in both.
    mutating func startAndCheck(slow: Bool) async throws {
        let start = ContinuousClock.now
        server = try await Program.serve(["--rate-limit", "off"] + (slow ? ["--ledger-rate", "100"] : []), in: folder)
        let buyer = first.on(try await WebClient.connect(to: server.port))
        try await buyFirst(as: buyer)
        restarts.append(ContinuousClock.now - start)

        try await log.askAgain(on: buyer.client)
        let shopkeeper = Operator(client: buyer.client)
        let isQuiet = try await eventually {
            let reports = try await (shopkeeper.report("plenty"), shopkeeper.report("scarce"))
            return reports.0["pending"] == 0 && reports.1["pending"] == 0 && reports.0.accountsForAll
                && reports.1.accountsForAll
        }
        #expect(isQuiet)
        for sale in Self.sales {
            let report = try await shopkeeper.report(sale)
            // Nothing was lost, so nothing was rebuilt.
            #expect(report["epoch"] == 1 && report["rejected"] == 0, "\(report)")
        }
        try await log.expectRows(in: folder.path("ledger.sqlite"))
        try await server.program.expectCleanAudit()
    }

    /// The first purchase after a start: as soon as the server answers.
    private func buyFirst(as buyer: Buyer) async throws {
        let isSold = try await eventually {
            let link = try await buyer.send(.post, "/api/sales/plenty/link", "{}")
            guard let href = link["href"].text, let order = link["order"].text else { return false }
            log.willPost(order, ClientLog.Entry(buyer: buyer, sale: "plenty", link: href))
            return try await log.post(order, href, as: buyer)
        }
        #expect(isSold)
    }

    /// Ends the last server, and says how soon after a start the first unit was sold.
    func end() async throws {
        #expect(await server.program.stop().status == 0)
        try await server.program.expectCleanAudit()
        let sorted = restarts.sorted()
        let accepted = log.entries.values.count { $0.isAccepted }
        print(
            "\(sorted.count) kills, \(accepted) orders acknowledged; from start to first purchase: median",
            "\(sorted[sorted.count / 2]), at most \(sorted[sorted.count - 1])"
        )
    }
}

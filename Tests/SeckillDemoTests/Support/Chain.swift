import Foundation
import SeckillCore
import TestServers
import Testing

@testable import SeckillDemo

/// Where a shop keeps its stock.
enum Mode: CaseIterable, Sendable {
    /// In files of one process.
    case embedded
    /// In the ledger.
    case direct
    /// In a Redis, shared by two processes that answer buyers and one that works.
    case redis

    /// Those that this machine has the servers for, or ought to.
    static let testable = allCases.filter { $0 != .redis || RedisServer.isExpected }
    static let queueing = testable.filter { $0 != .direct }
}

/// All processes of one shop.
struct Chain: Sendable {
    /// Those that answer buyers.
    let ports: [Int]
    let programs: [Program]
    let folder: TemporaryFolder
    let redis: RedisServer?

    /// Opens a shop with its sales while `body` runs; then everything ends in order, and the audit finds nothing.
    static func open(_ mode: Mode, _ arguments: [String], _ body: (Chain) async throws -> Void) async throws {
        let folder = TemporaryFolder()
        switch mode {
        case .embedded, .direct:
            let (program, port) = try await Program.serve(arguments + (mode == .direct ? ["--direct"] : []), in: folder)
            try await Chain(ports: [port], programs: [program], folder: folder, redis: nil).run(body)
        case .redis:
            try await RedisServer.with { redis in
                let shared = arguments + ["--redis", redis.url]
                let (worker, _) = try await Program.serve(shared + ["--role", "worker"], in: folder)
                let nodes = try await [0, 1].concurrently { _ in
                    try await Program.serve(shared + ["--role", "web"], in: folder)
                }
                let programs = nodes.map(\.0) + [worker]
                try await Chain(ports: nodes.map(\.port), programs: programs, folder: folder, redis: redis).run(body)
            }
        }
    }

    private func run(_ body: (Chain) async throws -> Void) async throws {
        do {
            try await body(self)
            for program in programs { #expect(await program.stop().status == 0) }
            try await expectCleanAudit()
        } catch {
            for program in programs { program.kill() }
            throw error
        }
    }

    /// Connections, to one node after the other: the first to the first.
    func clients(_ count: Int) async throws -> [WebClient] {
        var clients: [WebClient] = []
        for number in 0..<count { clients.append(try await WebClient.connect(to: ports[number % ports.count])) }
        return clients
    }

    /// What the shop left keeps the promises.
    func expectCleanAudit(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let arguments =
            ["audit", "--ledger", folder.path("ledger.sqlite")] + (redis.map { ["--redis", $0.url] } ?? [])
        let audit = try await Program.run(arguments, in: folder)
        #expect(audit.status == 0, "\(audit.out)\(audit.err)", sourceLocation: sourceLocation)
    }
}

extension RedisServer {
    /// As a server's `--redis` takes it.
    nonisolated var url: String { "unix://\(socket)" }
}

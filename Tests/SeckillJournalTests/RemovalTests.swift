import Foundation
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("Journals whose files are removed under the running server")
struct RemovalTests {
    private let sale = Shop.sale

    private func expect(
        _ code: SeckillError.Code,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        let error = await #expect(throws: SeckillError.self, sourceLocation: sourceLocation) { try await body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }

    enum Removal: CaseIterable {
        case file, lock, replacedFile

        func apply(to disk: SimulatedDisk) {
            switch self {
            case .file: disk[.stockFile] = nil
            case .lock: disk.removeLock()
            case .replacedFile: disk[.stockFile] = disk[.stockFile]
            }
        }
    }

    @Test(
        "acknowledge nothing more, say so, and still hand on what was acknowledged before",
        arguments: Removal.allCases
    )
    func removed(_ removal: Removal) async throws {
        let disk = SimulatedDisk()
        let shop = try await Shop(on: disk)
        try await shop.open(units: 10)
        #expect(await shop.buy(as: .number(0)) != nil)
        let links = [try #require(await shop.link(for: .number(1))), try #require(await shop.link(for: .number(2)))]
        removal.apply(to: disk)
        let stock = shop.stores.stock
        // The first is admitted, because nobody has looked; but nothing is promised to its caller.
        await expect(.outcomeUnknown) { _ = try await stock.reserve(links[0].order, for: .number(1)) }
        await expect(.unavailable) { _ = try await stock.reserve(links[1].order, for: .number(2)) }
        await expect(.unavailable) { _ = try await stock.snapshot(of: sale) }
        await expect(.unavailable) { _ = try await stock.identity() }
        await expect(.unavailable) { try await shop.stores.check() }
        #expect(try await shop.record() == 1)
        // Nothing makes it undone, not even the same bytes at the same path.
        disk[.stockFile] = disk[.stockFile] ?? []
        await expect(.unavailable) { _ = try await stock.reserve(links[1].order, for: .number(2)) }
        await shop.stores.close()

        disk[.stockFile] = nil
        let again = try await Shop(on: disk, ledger: shop.ledger)
        try await again.settle()
        try await again.audit("after the restart")
        #expect(await again.buy(as: .number(3)) != nil)
    }

    @Test("are missed before anybody buys")
    func idle() async throws {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        let shop = try await Shop(on: disk, clock: clock)
        try await shop.open(units: 10)
        try await shop.stores.check()
        _ = try await shop.stores.stock.snapshot(of: sale)
        disk[.stockFile] = nil
        clock.advance(by: .milliseconds(100))
        try await eventually("a snapshot says so") { (try? await shop.stores.stock.snapshot(of: sale)) == nil }
        await expect(.unavailable) { _ = try await shop.stores.stock.snapshot(of: sale) }
    }

    @Test("of sessions log nobody in any more")
    func sessions() async throws {
        let disk = SimulatedDisk()
        let shop = try await Shop(on: disk)
        try await shop.open(units: 10)
        let token = try await shop.stores.sessions.create(for: .number(0), lifetime: .seconds(60))
        disk[.sessionFile] = nil
        await expect(.outcomeUnknown) {
            _ = try await shop.stores.sessions.create(for: .number(1), lifetime: .seconds(60))
        }
        await expect(.unavailable) {
            _ = try await shop.stores.sessions.create(for: .number(1), lifetime: .seconds(60))
        }
        await expect(.unavailable) { try await shop.stores.check() }
        // Who is logged in stays so, and buys.
        #expect(try await shop.stores.sessions.look(up: token) != nil)
        #expect(await shop.buy(as: .number(0)) != nil)
    }

    // MARK: On the machine's own disk

    private static let removals: [@Sendable (String) throws -> Void] = [
        { try FileManager.default.removeItem(atPath: "\($0)/stock.journal") },
        { try FileManager.default.removeItem(atPath: "\($0)/lock") },
        { try FileManager.default.removeItem(atPath: $0) },
        { try FileManager.default.moveItem(atPath: $0, toPath: "\($0).old") },
        { path in
            // Another directory at the same path, with the same bytes in it.
            try FileManager.default.copyItem(atPath: path, toPath: "\(path).copy")
            try FileManager.default.moveItem(atPath: path, toPath: "\(path).old")
            try FileManager.default.moveItem(atPath: "\(path).copy", toPath: path)
        },
    ]

    @Test("are missed whatever is removed, moved or replaced", arguments: removals.indices)
    func onDisk(_ number: Int) async throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/shop.journal"
        let stores = try await EmbeddedStores.openPatiently(at: path)
        try await stores.check()
        try Self.removals[number](path)
        await expect(.unavailable) { try await stores.check() }
        await stores.close()
    }
}

import Foundation
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("On the machine's own disk")
struct SystemFilesTests {
    private let directory = TemporaryDirectory()
    private var path: String { "\(directory.path)/shop.journal" }

    private func open(_ path: String) async throws -> EmbeddedStores {
        try await EmbeddedStores.openPatiently(at: path)
    }

    private func shop(_ stores: EmbeddedStores) throws -> FlashSale {
        FlashSale(
            stock: stores.stock,
            ledger: MemoryOrderLedger.forTests(),
            sessions: stores.sessions,
            signer: try LinkSigner(secrets: [Array(repeating: 1, count: 32)]),
            logger: .silent
        )
    }

    private func buy(_ flashSale: FlashSale, as user: UserID) async -> Bool {
        guard case .granted(let link) = await flashSale.link(to: Shop.sale, for: .user(user)),
            case .accepted = await flashSale.purchase(link.token, of: Shop.sale, by: .user(user))
        else { return false }
        return true
    }

    @Test("a second owner is refused, told who the first is, and let in after it")
    func lock() async throws {
        let first = try await open(path)
        let error = await #expect(throws: SeckillError.self) { _ = try await open(path) }
        #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier),") == true)
        await first.close()
        try await open(path).close()
    }

    @Test("a second owner that comes by a symbolic link is refused, and told where it leads")
    func lockByAnotherName() async throws {
        let first = try await open(path)
        let link = "\(directory.path)/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let error = await #expect(throws: SeckillError.self) { _ = try await open(link) }
        #expect(error?.message.contains("link, which is \(first.stock.name.text.dropFirst("journal:".count)),") == true)
        await first.close()
        let second = try await open(link)
        #expect(second.stock.name == first.stock.name)
        await second.close()
    }

    @Test("a lock file that a dead process left is no lock")
    func deadOwner() async throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try "999999\n".write(toFile: "\(path)/lock", atomically: true, encoding: .utf8)
        try await open(path).close()
    }

    @Test("files are their owner's alone")
    func permissions() async throws {
        try await open(path).close()
        for name in ["stock.journal", "sessions.journal", "lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            #expect((attributes[.posixPermissions] as? Int) == 0o600, "\(name)")
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? Int) == 0o700)
    }

    @Test("a path that cannot be is refused with the system's words")
    func impossible() async throws {
        try "a file".write(toFile: path, atomically: true, encoding: .utf8)
        let error = await #expect(throws: SeckillError.self) { _ = try await open(path) }
        #expect(error?.code == .unavailable)
        #expect("\(try #require(error))".contains("Not a directory"))
        await #expect(throws: SeckillError.self) { _ = try await open("\(directory.path)/none/none") }
    }

    @Test("the books can be read while a server writes them")
    func reading() async throws {
        let stores = try await open(path)
        let flashSale = try shop(stores)
        _ = try await flashSale.create(Shop.declaration(units: 3000))
        let isOver = Locked(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<8 {
                group.addTask {
                    for number in 0..<250 where await !buy(flashSale, as: .number(caller * 250 + number)) {
                        Issue.record("not bought")
                    }
                }
            }
            group.addTask {
                var seen = 0
                while !isOver.withLock({ $0 }) {
                    let sale = try #require(try await EmbeddedStores.read(at: path)?.first)
                    #expect(sale.stock.remaining + sale.stock.pending == 3000)
                    #expect(sale.pending.count == sale.stock.pending)
                    #expect(sale.stock.pending >= seen)
                    seen = sale.stock.pending
                }
            }
            for _ in 0..<8 { try await group.next() }
            isOver.withLock { $0 = true }
            try await group.waitForAll()
        }
        #expect(try await EmbeddedStores.read(at: path)?.first?.stock.sequence == 2000)
        await stores.close()
    }

    @Test("there are no books where there is no journal")
    func nothingToRead() async throws {
        #expect(try await EmbeddedStores.read(at: path) == nil)
    }
}

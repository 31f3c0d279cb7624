import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillJournal

@Suite("A journal that is not as it was left")
struct DamageTests {
    private static let units = 12

    /// Where a shop has sold to `count` buyers, of whom the ledger knows `recorded`.
    private struct Scene {
        var disk: SimulatedDisk
        var orders: [Reservation] = []
        /// Of them, how many the ledger knows.
        var recorded: Int
        /// Where the last frame but the mark ends.
        var end = 0

        func ledger() async throws -> MemoryOrderLedger {
            let ledger = MemoryOrderLedger.forTests()
            _ = try await ledger.create(Shop.declaration(units: DamageTests.units))
            let name = StoreName("journal:j")
            _ = try await ledger.transfer(Shop.sale, to: name, takeover: 1)
            _ = try await ledger.beginEpoch(after: 0, of: Shop.sale, in: name)
            _ = try await ledger.record(Array(orders.prefix(recorded)), at: SystemClock().now)
            return ledger
        }
    }

    private func scene(_ count: Int, recorded: Int) async throws -> Scene {
        var scene = Scene(disk: SimulatedDisk(), recorded: recorded)
        let shop = try await Shop(on: scene.disk)
        try await shop.open(units: Self.units)
        for user in 0..<count {
            let order = try #require(await shop.buy(as: .number(user)))
            scene.orders.append(try #require(try await shop.stores.stock.reservation(of: order)))
        }
        for _ in 0..<recorded { try await shop.record(1) }
        await shop.stores.close()
        scene.end = try #require(scene.disk.end(of: .stockFile))
        return scene
    }

    private func copy(_ scene: Scene, _ change: (inout [UInt8]) -> Void) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk[.sessionFile] = scene.disk[.sessionFile]
        var bytes = try #require(scene.disk[.stockFile])
        change(&bytes)
        disk[.stockFile] = bytes
        return disk
    }

    /// Every acknowledged order is there or is rejected for all to see, and the books add up.
    private func check(_ disk: SimulatedDisk, _ scene: Scene, _ comment: Comment) async throws -> Int {
        let ledger = try await scene.ledger()
        // A start that ends before any sale was rebuilt, and leaves a file that looks whole.
        try await EmbeddedStores.open(on: disk).close()
        let shop = try await Shop(on: disk, ledger: ledger)
        try await shop.settle()
        try await shop.audit(comment)
        var lost = 0
        for reservation in scene.orders {
            let order = try #require(try await shop.flashSale.order(reservation.order, of: reservation.user), comment)
            if order.reason == .lost { lost += 1 }
            #expect(order.status == .awaitingPayment || order.reason == .lost, comment)
        }
        for user in 0..<Self.units + 4 { _ = await shop.buy(as: .number(user)) }
        try await shop.settle()
        try await shop.audit(comment)
        #expect(try await ledger.totals(of: Shop.sale)?.awaiting == Self.units, comment)
        await shop.stores.close()
        return lost
    }

    @Test("that was cut off anywhere is opened, and loses nothing in silence", arguments: [0, 4])
    func cutOff(recorded: Int) async throws {
        let scene = try await scene(8, recorded: recorded)
        var worst = 0
        for size in JournalHeader.size...scene.end + 16 {
            let disk = try copy(scene) { $0.removeLast($0.count - size) }
            worst = max(worst, try await check(disk, scene, "cut to \(size) of \(scene.end) bytes"))
        }
        // As many as the ledger did not know: the test does lose some.
        #expect(worst == 8 - recorded)
    }

    @Test("loses nothing in silence though its recovery dies at any operation", arguments: Reboot.allCases)
    func recoveryDies(_ reboot: Reboot) async throws {
        let scene = try await scene(8, recorded: 2)
        for size in [scene.end - 200, scene.end - 16, scene.end + 1, 600] {
            for operation in 1...14 {
                let disk = try copy(scene) { $0.removeLast($0.count - size) }
                disk.plan { _, _, number in number == operation ? .death : nil }
                _ = try? await EmbeddedStores.open(on: disk)
                let comment: Comment = "cut to \(size) of \(scene.end) bytes, dead at operation \(operation)"
                _ = try await check(reboot.after(disk, seed: UInt64(operation)), scene, comment)
            }
        }
    }

    @Test("is not cut where the sessions' is refused: a refused start changes nothing")
    func refusedWithTheOther() async throws {
        let scene = try await scene(3, recorded: 0)
        let disk = try copy(scene) { $0.removeLast($0.count - scene.end + 30) }
        let before = disk[.stockFile]
        disk[.sessionFile]?[20] ^= 1
        await #expect(throws: SeckillError.self) { _ = try await EmbeddedStores.open(on: disk) }
        #expect(disk[.stockFile] == before)
        disk[.sessionFile]?[20] ^= 1
        _ = try await check(disk, scene, "after the refusal")
    }

    @Test("whose last group is torn is cut back to the one before, and loses nothing that was acknowledged")
    func torn() async throws {
        let scene = try await scene(8, recorded: 5)
        // The frame of one more order, of which only the first bytes got to the disk.
        var frame = Frame()
        let order = try #require(
            OrderID("phone.1.\(String(repeating: "z", count: 16)).\(String(repeating: "z", count: 24))")
        )
        frame.append {
            $0.append(reservationOf: order, for: .number(99), sequence: 9, at: Timestamp(milliseconds: 1))
        }
        let salt = try #require(scene.disk.salt(of: .stockFile))
        let bytes = frame.sealed(salt: salt).bytes
        for count in 1..<bytes.count {
            let disk = try copy(scene) {
                $0.replaceSubrange(scene.end..<scene.end + 16, with: repeatElement(0, count: 16))
            }
            disk[.stockFile]?.replaceSubrange(scene.end..<scene.end + count, with: bytes[..<count])
            #expect(try await check(disk, scene, "torn after \(count) bytes") == 0)
        }
    }

    @Test("before its end is refused, whichever byte it is")
    func damaged() async throws {
        let scene = try await scene(8, recorded: 5)
        // The padding of a frame says nothing and may be anything.
        let padding = scene.disk.padding(in: .stockFile)
        for byte in JournalHeader.size..<scene.end where !padding.contains(byte) {
            let disk = try copy(scene) { $0[byte] ^= 0x01 }
            let before = disk[.stockFile]
            let error = await #expect(throws: SeckillError.self, "byte \(byte)") {
                _ = try await EmbeddedStores.open(on: disk)
            }
            #expect(error?.message.contains("is damaged") == true, "byte \(byte)")
            #expect(disk[.stockFile] == before, "byte \(byte)")
        }
    }

    @Test("with garbage behind its end is cut")
    func garbageBehind() async throws {
        let scene = try await scene(3, recorded: 0)
        let disk = try copy(scene) { bytes in
            bytes[bytes.count - 1] = 7
            bytes[scene.end + 100] = 7
        }
        #expect(try await check(disk, scene, "garbage") == 0)
    }

    @Test("in the sessions loses those, and says nothing of the stock")
    func sessions() async throws {
        let disk = SimulatedDisk()
        let shop = try await Shop(on: disk)
        try await shop.open(units: 5)
        let order = try #require(await shop.buy(as: .number(0)))
        var tokens: [SessionToken] = []
        for user in 0..<4 {
            tokens.append(try await shop.stores.sessions.create(for: .number(user), lifetime: .seconds(60)))
        }
        await shop.stores.close()
        let end = try #require(disk.end(of: .sessionFile))
        disk[.sessionFile]?.removeLast(JournalFile.step - end + 1)
        let again = try await Shop(on: disk, ledger: shop.ledger)
        for token in tokens.dropLast() { #expect(try await again.stores.sessions.look(up: token) != nil) }
        #expect(try await again.stores.sessions.look(up: tokens[3]) == nil)
        #expect(try await again.flashSale.order(order, of: .number(0))?.status == .queued)
        #expect(try await shop.ledger.sale(Shop.sale)?.epoch == 1)
    }
}

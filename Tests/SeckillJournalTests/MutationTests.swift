import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillCore
@testable import SeckillJournal

/// Journals that say what no store can have written, with a right checksum.
@Suite("A journal altered by somebody who repairs its checksums")
struct MutationTests {
    private let sale = Shop.sale

    // MARK: Valid journals

    /// A shop's journal with every kind of entry, and the same shop's after a compaction.
    private func journals() async throws -> (entries: [[UInt8]], image: [[UInt8]], sessions: [[UInt8]]) {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        let ledger = MemoryOrderLedger.forTests()
        var shop = try await Shop(on: disk, ledger: ledger, clock: clock)
        try await shop.open(units: 20, limitPerUser: 2)
        var orders: [OrderID] = []
        for user in 0..<4 { orders.append(try #require(await shop.buy(as: .number(user)))) }
        try await shop.record(3)
        _ = try await shop.flashSale.cancel(orders[1], of: .number(1))
        _ = try await ledger.restock(sale, adding: 5, id: "restock.1")
        try await shop.makeReturns()
        let waiting = try await shop.stores.stock.outbox.receive(1, as: ConsumerID("test"), wait: .zero)
        try await shop.stores.stock.outbox.deadLetter(waiting[0], because: "test")
        _ = try await shop.flashSale.setAdmission(.paused, of: sale)
        _ = try await shop.flashSale.setAdmission(.open, of: sale)
        _ = await shop.buy(as: .number(1))
        _ = await shop.buy(as: .number(2))
        let token = try await shop.stores.sessions.create(for: .number(0), lifetime: .seconds(600))
        _ = try await shop.stores.sessions.create(for: .number(1), lifetime: .seconds(600))
        try await shop.stores.sessions.revoke(token)
        await shop.stores.close()
        let entries = disk.bodies(of: .stockFile)
        let sessions = disk.bodies(of: .sessionFile)

        var limits = Journal.Limits.patient
        limits.compaction = 1
        shop = try await Shop(on: disk, ledger: ledger, clock: clock, limits: limits)
        _ = await shop.buy(as: .number(3))
        let compaction = shop.stores.stock.journal.compaction
        try await eventually("it is compacted") { compaction.count > 0 }
        try await shop.stores.stock.distrust(sale, epoch: 1)
        await shop.stores.close()
        return (entries, disk.bodies(of: .stockFile), sessions)
    }

    private func replay(_ bodies: some Sequence<[UInt8]>, from start: StockReplay = StockReplay()) throws -> StockReplay
    {
        var replay = start
        for body in bodies {
            try body.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                _ = try replay.apply(&reader)
            }
        }
        return replay
    }

    // MARK: What must hold of whatever is accepted

    private func check(_ replay: StockReplay, _ comment: @autoclosure () -> Comment) throws {
        for (sale, stock) in replay.sales {
            let snapshot = stock.snapshot
            let unsettled = stock.unsettled
            let isSound =
                stock.terms.sale == sale && snapshot.remaining >= 0 && snapshot.pending == unsettled.count
                && snapshot.pending <= snapshot.sequence && (0...StockSnapshot.maxEpoch).contains(snapshot.epoch)
                && snapshot.version < 1 << 53 && Set(unsettled.map(\.order)).count == unsettled.count
                && unsettled.allSatisfy { $0.order.sale == sale && $0.order.epoch == snapshot.epoch }
            #expect(isSound, comment())
            try use(stock)
        }
        // Written down and read again, it is the same.
        var bodies: [[UInt8]] = []
        try StockImage(replay.sales, of: .tests).write { frame throws(FileError) in bodies.append(frame.body) }
        let again = try self.replay(bodies)
        let isKept = replay.sales.allSatisfy { again.sales[$0]?.snapshot == $1.snapshot }
        #expect(isKept, comment())
    }

    /// Calls what a store calls. Nothing may trap.
    private func use(_ stock: SaleStock) throws {
        var stock = stock
        stock.isTrusted = true
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        _ = stock.depth(at: now)
        _ = stock.receive(3, at: .zero)
        for delivery in stock.takeOver(2, idle: .zero, at: .seconds(1)) { stock.settle(delivery, aside: false) }
        let order = OrderID(
            "\(stock.terms.sale).\(max(1, stock.epoch)).newnewnewnewnewn.\(String(repeating: "m", count: 24))"
        )
        _ = try? stock.reserve(try #require(order), for: .init(.number(2)), at: now, outboxLimit: 100)
        for id in ["restock.2", order?.text ?? ""] {
            _ = stock.giveBack(
                StockReturn(id: id, sale: stock.terms.sale, epoch: stock.epoch, units: 1, user: .number(2))
            )
        }
        _ = stock.depth(at: now)
        _ = stock.image
    }

    // MARK: Alterations

    private static let extremes: [UInt64] = [
        0, 1, 127, 128, 1 << 16, 1 << 31, 1 << 32, 1_000_000_001, 1 << 53, 1 << 60, 1 << 62, UInt64(Int64.max),
        1 << 63, .max - 1, .max,
    ]

    /// One alteration of `body`, by chance.
    private func altered(_ body: [UInt8], _ random: SeededRandom) -> [UInt8] {
        var body = body
        func number(below bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
        let place = number(below: body.count)
        switch number(below: 6) {
        case 0: body[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: body[place] ^= 1 << UInt8(number(below: 8))
        case 2:
            // Another number in the place of one, however many bytes that takes.
            var bytes: [UInt8] = []
            bytes.append(varint: Self.extremes[number(below: Self.extremes.count)])
            let length = min(body.count - place, 1 + number(below: 3))
            body.replaceSubrange(place..<place + length, with: bytes)
        case 3: body.removeLast(body.count - place)
        case 4:
            let length = min(body.count - place, 1 + number(below: 40))
            body.insert(contentsOf: body[place..<place + length], at: number(below: body.count))
        default:
            let length = min(body.count - place, 1 + number(below: 40))
            body.removeSubrange(place..<place + length)
        }
        return body
    }

    @Test("is refused, or is a journal that a store can have written; it never ends the process")
    func anything() async throws {
        let (entries, image, _) = try await journals()
        let random = SeededRandom(20_261_129)
        var refused = 0
        var accepted = 0
        for (name, bodies) in [("entries", entries), ("image", image)] {
            try check(try replay(bodies), "\(name), unaltered")
            var before = StockReplay()
            for (index, body) in bodies.enumerated() {
                var variants: [[UInt8]] = []
                for place in body.indices {
                    for value in [0, 1, 0x7F, 0x80, 0xFF, body[place] &+ 1, body[place] &- 1] {
                        var variant = body
                        variant[place] = value
                        variants.append(variant)
                    }
                }
                variants += (0..<50_000 / bodies.count).map { _ in altered(body, random) }
                for (number, variant) in variants.enumerated() where variant != body {
                    // Long enough to keep other tests' tasks from running.
                    if number.isMultiple(of: 50) { await Task.yield() }
                    do {
                        let replay = try replay([variant] + bodies[(index + 1)...], from: before)
                        try check(replay, "\(name), frame \(index): \(variant)")
                        accepted += 1
                    } catch is ByteReader.Malformed {
                        refused += 1
                    }
                }
                before = try replay([body], from: before)
            }
        }
        // Most alterations are noticed; some say something else that is as possible.
        #expect(refused > 50_000)
        #expect(accepted > 1000)
    }

    @Test("is refused if an installation is not whole")
    func installations() throws {
        let stock = SaleStock(
            InstalledStock(
                terms: SaleRecord(try Shop.declaration(units: 9)).terms,
                epoch: 2,
                remaining: 9,
                held: [.number(0): 1]
            )
        )
        var stage: [UInt8] = []
        stage.append(stage: stock.image)
        var users: [UInt8] = []
        users.append(stagedUsersOf: stock.image, 0..<1)
        func installed(_ epoch: Int) -> [UInt8] {
            var body: [UInt8] = []
            body.append(installed: sale, epoch: epoch)
            return body
        }
        #expect(!isRefused(image(), stage, users, installed(2)))
        // Two were begun, and the second was finished.
        #expect(!isRefused(image(), stage, users, stage, users, installed(2)))
        // What a compaction that began in between leaves.
        #expect(!isRefused(users, stage, users, installed(2)))
        #expect(isRefused(image(), installed(2)))
        #expect(isRefused(image(), users, installed(2)))
        #expect(isRefused(image(), stage, users, installed(1)))
        #expect(isRefused(image(), stage, users, users, installed(2)))
        #expect(isRefused(image(epoch: 2), stage, users, installed(2)))
        #expect(isRefused(image(), stage, users, installed(2), installed(2)))
    }

    @Test("does not end the process in the sessions' file either")
    func sessions() async throws {
        let (_, _, sessions) = try await journals()
        let random = SeededRandom(20_261_130)
        let body = sessions.flatMap { $0 }
        for _ in 0..<20_000 {
            var table = SessionTable()
            let variant = altered(body, random)
            await Task.yield()
            do {
                try variant.withUnsafeBytes { bytes in
                    var reader = ByteReader(bytes)
                    _ = try table.replay(&reader)
                }
                #expect(table.inOrderOfCreation().count == table.count)
            } catch is ByteReader.Malformed {}
        }
    }

    // MARK: The cases that were seen to end the process

    private static let order = "phone.1.aaaaaaaaaaaaaaaa.mmmmmmmmmmmmmmmm"

    /// A sale of one order, as an image; each argument stands for what a good file would say.
    private func image(
        remaining: Int = 9,
        epoch: Int = 1,
        user: String = "alice",
        live: Int64 = 1,
        own: String = "aaaaaaaaaaaaaaaa.mmmmmmmmmmmmmmmm",
        userNumber: UInt64 = 0,
        moments: [Int64] = [1000]
    ) -> [UInt8] {
        let stock = SaleStock(
            InstalledStock(
                terms: SaleTerms(
                    sale: sale,
                    limitPerUser: 1,
                    opensAt: Timestamp(milliseconds: 0),
                    closesAt: nil,
                    admission: .open,
                    revision: 1
                ),
                epoch: epoch,
                remaining: remaining,
                held: [:]
            )
        )
        var body: [UInt8] = []
        body.append(stock: stock.image, isTrusted: true)
        body += [StockEntry.users.rawValue, 1]
        body.append(text: user)
        body.append(signed: live)
        body.append(StockEntry.orders.rawValue)
        body.append(varint: moments.count)
        for (index, moment) in moments.enumerated() {
            body.append(text: index == 0 ? own : "b" + own)
            body.append(varint: userNumber)
            body.append(signed: moment)
            body.append(0)
        }
        return body
    }

    private func isRefused(_ bodies: [UInt8]...) -> Bool {
        do {
            _ = try replay(bodies)
            return false
        } catch { return error is ByteReader.Malformed }
    }

    @Test("is refused if an image says what cannot be")
    func images() throws {
        #expect(!isRefused(image()))
        #expect(!isRefused(image(moments: [1000, 1])))
        #expect(isRefused(image(moments: [.max])))
        #expect(isRefused(image(moments: [1 << 52, .max])))
        #expect(isRefused(image(own: "")))
        #expect(isRefused(image(own: "aaaaaaaaaaaaaaaa")))
        #expect(isRefused(image(own: "aaaaaaaaaaaaaaaa.mmmm mmmmmmmmmmm")))
        #expect(isRefused(image(own: String(repeating: "a", count: 256) + ".mmmmmmmm")))
        #expect(isRefused(image(user: "")))
        #expect(isRefused(image(user: "al\u{7F}ice")))
        #expect(isRefused(image(userNumber: 1)))
        #expect(isRefused(image(userNumber: 1 << 32)))
        #expect(isRefused(image(live: -1)))
        #expect(isRefused(image(live: 1 << 32)))
        #expect(isRefused(image(remaining: 1_000_000_001)))
        #expect(isRefused(image(epoch: StockSnapshot.maxEpoch + 1)))
        // Orders of an epoch that no link can name.
        #expect(isRefused(image(epoch: 0)))
    }

    @Test("is refused if an entry cannot follow on what is before it")
    func entries() throws {
        let order = try #require(OrderID("phone.1.bbbbbbbbbbbbbbbb.mmmmmmmmmmmmmmmm"))
        func reservation(_ user: String = "bob", sequence: Int = 2, at moment: Int64 = 1) throws -> [UInt8] {
            var body: [UInt8] = []
            body.append(
                reservationOf: order,
                for: try #require(UserID(user)),
                sequence: sequence,
                at: Timestamp(milliseconds: moment)
            )
            return body
        }
        func giveBack(_ id: String = "restock.1", units: Int = 1) -> [UInt8] {
            var body: [UInt8] = []
            body.append(giveBack: StockReturn(id: id, sale: sale, epoch: 1, units: units, user: nil))
            return body
        }
        #expect(!isRefused(image(), try reservation(), giveBack()))
        #expect(isRefused(try reservation()))
        #expect(isRefused(image(), try reservation(), try reservation()))
        #expect(isRefused(image(), try reservation(sequence: 3)))
        #expect(isRefused(image(), try reservation(at: .min)))
        #expect(isRefused(image(remaining: 0), try reservation()))
        // Alice holds what the sale allows.
        #expect(isRefused(image(), try reservation("alice")))
        #expect(isRefused(image(), giveBack(units: 0)))
        #expect(isRefused(image(), giveBack(units: .max)))
        #expect(isRefused(image(), giveBack(""), giveBack("")))
        #expect(isRefused(image(), giveBack(), giveBack()))
        for sequences in [[0], [2], [1, 1], [Int.max]] {
            var settled: [UInt8] = []
            settled.append(settled: sequences, of: sale, epoch: 1, aside: false)
            #expect(isRefused(image(), settled), "\(sequences)")
        }
        // A count that no file can hold.
        var body = image()
        body.append(StockEntry.users.rawValue)
        body.append(varint: 1 << 60)
        #expect(isRefused(body))
    }
}

extension Frame {
    fileprivate var body: [UInt8] { Array(sealed(salt: 0).bytes[Frame.headerSize..<count]) }
}

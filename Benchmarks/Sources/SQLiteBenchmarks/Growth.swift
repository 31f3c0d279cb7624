import BenchmarkSupport
import Foundation
import SeckillCore
import SeckillSQLite

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Records orders of one sale by random users, 500 at a time, and prints what each further tenth of a million costs.
func measureGrowth(to rows: Int) async throws {
    let (batch, step) = (500, 100_000)
    let scratch = try ScratchLedger()
    let ledger = try await scratch.open(stock: rows, limitPerUser: 1_000)
    var minting = OrderMint(sale: ScratchLedger.sale, users: rows)
    print("| rows | rows/s | CPU µs a row | written, bytes a row | slowest batch ms | file MB | log MB | memory MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for done in stride(from: step, through: rows, by: step) {
        var (wall, cpu, slowest): (Duration, Duration, Duration) = (.zero, .zero, .zero)
        let before = usage()
        for _ in 0..<(step / batch) {
            let reservations = minting.reservations(batch)
            let measurement = try await measure {
                try await ledger.record(reservations, at: ScratchLedger.now).count
            }
            wall += measurement.wall
            cpu += measurement.cpu
            slowest = max(slowest, measurement.wall)
        }
        let after = usage()
        print(
            "| \(done) | \(Int(Double(step) / wall.seconds)) | \(tenths(cpu.seconds * 1e6 / Double(step)))",
            "| \((after.written - before.written) / step) | \(tenths(slowest.seconds * 1e3))",
            "| \(scratch.size() >> 20) | \(scratch.size("-wal") >> 20) | \(after.memory >> 20) |"
        )
    }
    check(try await ledger.totals(of: ScratchLedger.sale)?.awaiting == rows, "every row is there")
}

#if canImport(Glibc)
    private let thisProcess = RUSAGE_SELF.rawValue
#else
    private let thisProcess = RUSAGE_SELF
#endif

/// Bytes that this process has had written to disks, and the memory it holds at most.
private func usage() -> (written: Int, memory: Int) {
    var usage = rusage()
    getrusage(thisProcess, &usage)
    return (usage.ru_oublock * 512, usage.ru_maxrss * 1024)
}

func tenths(_ value: Double) -> String { String(format: "%.1f", value) }

/// A ledger in a folder of its own, which is removed with it.
final class ScratchLedger {
    static let sale = SaleID("sale")!
    static let store = StoreName("benchmark")
    static let now = Timestamp(milliseconds: 1_800_000_000_000)
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "seckill-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var path: String { folder.appending(path: "ledger.sqlite").path }

    /// Opens the ledger, with one sale in epoch 1.
    func open(stock: Int, limitPerUser: Int) async throws -> SQLiteOrderLedger {
        let ledger = try await SQLiteOrderLedger.open(path: path)
        let sale = try Sale(
            id: Self.sale,
            title: "Phone",
            price: 1,
            stock: stock,
            limitPerUser: limitPerUser,
            opensAt: Self.now
        )
        _ = try await ledger.create(sale)
        _ = try await ledger.transfer(Self.sale, to: Self.store, takeover: 1)
        _ = try await ledger.beginEpoch(after: 0, of: Self.sale, in: Self.store)
        return ledger
    }

    /// The size of the file, or of one that SQLite keeps beside it.
    func size(_ suffix: String = "") -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path + suffix)[.size] as? Int) ?? 0
    }
}

/// Reservations of one sale, in sequence, by users drawn at random: 20,000 a second, each 0 to 2 s after its link.
struct OrderMint {
    let sale: SaleID
    let users: Int
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    private var sequence = 0
    private var random = SystemRandomNumberGenerator()

    init(sale: SaleID, users: Int) {
        self.sale = sale
        self.users = users
    }

    /// The next `count` reservations, all by `user` if one is given.
    mutating func reservations(_ count: Int, user: UserID? = nil) -> [Reservation] {
        (0..<count).map { _ in
            sequence += 1
            let minted = ScratchLedger.now + .milliseconds(sequence / 20 - Int.random(in: 0...2_000, using: &random))
            let user = user ?? UserID("user-\(Int.random(in: 1...users, using: &random))")!
            return Reservation(
                order: signer.mintOrder(sale: sale, epoch: 1, user: user, at: minted),
                user: user,
                sequence: sequence,
                reservedAt: ScratchLedger.now
            )
        }
    }
}

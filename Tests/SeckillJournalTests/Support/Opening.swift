import Foundation
import Logging
import SeckillCore
import SeckillTesting

@testable import SeckillJournal

extension EmbeddedStores {
    /// Stores on a simulated disk.
    static func open(
        on disk: SimulatedDisk,
        ledger: LedgerID = .tests,
        clock: any SaleClock = .system,
        limits: Journal.Limits = .patient,
        outboxLimit: Int = 1_000_000,
        sessionLimit: Int = 1_000_000,
        logger: Logger = .silent
    ) async throws -> EmbeddedStores {
        let directory = JournalDirectory(
            path: "j",
            ledger: ledger,
            files: disk,
            clock: clock,
            random: SystemRandom(),
            logger: logger
        )
        return try await open(directory, limits: limits, outboxLimit: outboxLimit, sessionLimit: sessionLimit)
    }
}

extension EmbeddedStores {
    /// Stores on the machine's own disk, however slow that is.
    static func openPatiently(at path: String, ledger: LedgerID = .tests) async throws -> EmbeddedStores {
        let directory = JournalDirectory(
            path: path,
            ledger: ledger,
            files: SystemFiles(),
            clock: .system,
            random: .system,
            logger: .silent
        )
        return try await open(directory, limits: .patient)
    }
}

extension Journal.Limits {
    /// Of tests that are not about time: however slow the machine, the disk is not taken to be.
    static let patient = {
        var limits = Journal.Limits()
        limits.stall = .seconds(600)
        limits.patience = .seconds(600)
        limits.retry = 1
        return limits
    }()
}

extension Journal {
    var bytesWaiting: Int { state.withLock { $0.buffer.bytes } }
    var callersWaiting: Int { state.withLock { $0.buffer.groups.reduce(0) { $0 + $1.waiters.count } } }
    var isAdmitting: Bool { (try? admit()) != nil }
}

extension LedgerID {
    static let tests = LedgerID("tests")!
}

extension MemoryOrderLedger {
    /// An empty ledger whose journals can be opened without it.
    static func forTests() -> MemoryOrderLedger { MemoryOrderLedger(id: .tests) }
}

extension Logger {
    static let silent = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
}

extension String {
    static let stockFile = "j/stock.journal"
    static let sessionFile = "j/sessions.journal"
}

/// A directory on the machine's own disk, gone when the last reference is.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        // A path just made up is free.
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

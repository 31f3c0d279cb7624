internal import ArgumentParser
internal import Foundation
internal import SeckillCore

/// The ledger that a command other than ``Serve`` works on.
struct LedgerOption: ParsableArguments {
    @Option(help: ArgumentHelp("The ledger's SQLite file (default: ./seckill.sqlite).", valueName: "path"))
    var ledger: String?

    /// The flag, the environment or the default, in this order.
    var path: String {
        SettingSource(
            flags: ledger.map { [.ledger: $0] } ?? [:],
            environment: ProcessInfo.processInfo.environment
        ).text(.ledger) ?? Settings().ledger
    }

    /// Runs `body` and turns what it throws into one sentence for the person at the terminal.
    func run(_ body: (_ path: String) async throws -> Void) async throws {
        do {
            try await body(path)
        } catch let error as SeckillError {
            throw StartError(error.message)
        }
    }
}

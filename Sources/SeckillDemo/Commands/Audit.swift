internal import ArgumentParser
internal import Foundation
internal import SeckillCore
internal import SeckillSQLite

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks promises 1 to 4 on what a ledger has stored.",
        discussion: """
            Reads only, at any time, beside servers at work. Prints what every sale adds up to and every violation by \
            name. Exits 0 if the promises hold, 1 if one does not, 2 if the ledger cannot be read.
            """
    )

    @Option(help: ArgumentHelp("The ledger's SQLite file (default: ./seckill.sqlite).", valueName: "path"))
    var ledger: String?

    func run() async throws {
        let path = ledger ?? ProcessInfo.processInfo.environment["SECKILL_LEDGER"] ?? "seckill.sqlite"
        let audit: LedgerAudit
        do {
            audit = try await LedgerAudit.run(path: path)
        } catch let error as SeckillError {
            FileHandle.standardError.write(Data("Error: \(error.message)\n".utf8))
            throw ExitCode(2)
        }
        for sale in audit.sales { print(sale.line) }
        for violation in audit.violations { print("VIOLATION \(violation)") }
        print(audit.violations.isEmpty ? "All promises hold." : "\(audit.violations.count) violations.")
        if !audit.violations.isEmpty { throw ExitCode(1) }
    }
}

extension LedgerAudit.AuditedSale {
    fileprivate var line: String {
        """
        sale \(record.sale.id): stock \(totals.stock), awaiting \(totals.awaiting), paid \(totals.paid), \
        expired \(totals.expired), cancelled \(totals.cancelled), rejected \(totals.rejected) \
        (dead-lettered \(totals.deadLettered)), returning \(totals.returning), epoch \(record.epoch)
        """
    }
}

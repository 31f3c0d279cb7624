internal import ArgumentParser
internal import Foundation
internal import SeckillCore
internal import SeckillSQLite

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the promises on what a ledger holds.",
        discussion: """
            Reads only, at any time, beside a server at work. Prints the totals of every sale and every violation by \
            name. Exits 0 if there is none, 1 if there is one, 2 if the ledger cannot be read.
            """
    )

    @Option(help: ArgumentHelp("The ledger's SQLite file (default: ./seckill.sqlite).", valueName: "path"))
    var ledger: String?

    func run() async throws {
        let flags = ledger.map { [Setting.ledger: $0] } ?? [:]
        let source = SettingSource(flags: flags, environment: ProcessInfo.processInfo.environment)
        let audit: LedgerAudit
        do {
            audit = try await LedgerAudit.run(path: source.text(.ledger) ?? Settings().ledger)
        } catch {
            let reason = (error as? SeckillError)?.message ?? "\(error)"
            FileHandle.standardError.write(Data("Error: \(reason)\n".utf8))
            throw ExitCode(2)
        }
        for sale in audit.sales { print(sale.line) }
        for violation in audit.violations { print("VIOLATION \(violation)") }
        print("sales: \(audit.sales.count), violations: \(audit.violations.count)")
        if !audit.violations.isEmpty { throw ExitCode(1) }
    }
}

extension LedgerAudit.AuditedSale {
    fileprivate var line: String {
        let sums = [
            ("stock", totals.stock), ("awaiting", totals.awaiting), ("paid", totals.paid),
            ("returning", totals.returning), ("expired", totals.expired), ("cancelled", totals.cancelled),
            ("rejected", totals.rejected), ("deadLettered", totals.deadLettered), ("epoch", record.epoch),
        ]
        return "sale \(record.sale.id): " + sums.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

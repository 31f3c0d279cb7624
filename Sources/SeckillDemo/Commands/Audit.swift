internal import ArgumentParser
internal import Foundation
internal import SeckillCore
internal import SeckillJournal
internal import SeckillSQLite

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the promises on what the ledger and the stock store hold.",
        discussion: """
            Reads only, at any time, beside a server at work. Prints the totals of every sale and every violation by \
            name. With --redis, also whether the units in Redis and those in the ledger add up; without, the stock \
            journal beside the ledger, if there is one. Exits 0 if there is no violation, 1 if there is one, 2 if \
            something cannot be read.
            """
    )

    @Option(help: ArgumentHelp("The ledger's SQLite file (default: ./seckill.sqlite).", valueName: "path"))
    var ledger: String?

    @Option(help: ArgumentHelp("The Redis that the sales' servers share (default: none).", valueName: "url"))
    var redis: String?

    func run() async throws {
        var flags: [Setting: String] = [:]
        (flags[.ledger], flags[.redis]) = (ledger, redis)
        let source = SettingSource(flags: flags, environment: ProcessInfo.processInfo.environment)
        var settings = Settings()
        if let ledger = source.text(.ledger) { settings.ledger = ledger }
        let audit: LedgerAudit
        do {
            if let redis = try Settings.redis(source) {
                audit = try await StockAudit(ledger: settings.ledger, redis: redis).run()
            } else {
                let journals = settings.journals
                audit = try await LedgerAudit.run(path: settings.ledger) {
                    try await EmbeddedStores.read(at: journals)?.filter(\.isTrusted).map(\.books) ?? []
                }
            }
        } catch let error as SettingError {
            throw ValidationError(error.description)
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

extension JournaledSale {
    fileprivate var books: StockBooks {
        StockBooks(sale: sale, stock: stock, pending: pending, hasApplied: hasApplied)
    }
}

extension LedgerAudit.AuditedSale {
    fileprivate var line: String {
        var sums = [
            ("stock", totals.stock), ("awaiting", totals.awaiting), ("paid", totals.paid),
            ("returning", totals.returning), ("expired", totals.expired), ("cancelled", totals.cancelled),
            ("rejected", totals.rejected), ("deadLettered", totals.deadLettered), ("epoch", record.epoch),
        ]
        if let stock { sums += [("remaining", stock.remaining), ("pending", stock.pending)] }
        return "sale \(record.sale.id): " + sums.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

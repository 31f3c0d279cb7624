internal import ArgumentParser
internal import Foundation
internal import SeckillCore
internal import SeckillJournal
internal import SeckillProcess
internal import SeckillSQLite

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the promises on what the ledger and the stock store hold.",
        discussion: """
            Reads only, at any time, beside a server at work. Prints the totals of every sale and every violation by \
            name. With --redis, also whether the units in Redis and those in the ledger add up; without, the stock \
            journal beside the ledger, if there is one. Exits 0 if there is no violation, 1 if there is one, 2 if \
            something cannot be read or the output cannot be written.
            """
    )

    @OptionGroup var ledger: LedgerOption

    @Option(help: ArgumentHelp("The Redis that the sales' servers share (default: none).", valueName: "url"))
    var redis: String?

    @Option(
        help: ArgumentHelp("The shop's namespace in Redis (default: the ledger's identity).", valueName: "name")
    )
    var namespace: String?

    func run() async throws {
        var flags: [Setting: String] = [:]
        (flags[.redis], flags[.namespace]) = (redis, namespace)
        let source = SettingSource(flags: flags, environment: ProcessInfo.processInfo.environment)
        let audit: LedgerAudit
        do {
            if let redis = try Settings.redis(source) {
                let namespace = try Settings.namespace(source)
                audit = try await StockAudit(ledger: ledger.path, redis: redis, namespace: namespace).run()
            } else {
                let journals = Settings.journals(of: Self.resolve(ledger.path))
                audit = try await LedgerAudit.run(path: ledger.path) {
                    try await EmbeddedStores.read(at: journals)?.map(\.books) ?? []
                }
            }
        } catch let error as SettingError {
            throw ValidationError(error.description)
        } catch {
            let reason = (error as? SeckillError)?.message ?? "\(error)"
            StandardStreams.note("Error: \(reason)\n")
            throw ExitCode(2)
        }
        do {
            for sale in audit.sales { try StandardStreams.print(sale.line) }
            for violation in audit.violations { try StandardStreams.print("VIOLATION \(violation)") }
            try StandardStreams.print("sales: \(audit.sales.count), violations: \(audit.violations.count)")
        } catch {
            StandardStreams.note("Error: \(error)\n")
            throw ExitCode(2)
        }
        if !audit.violations.isEmpty { throw ExitCode(1) }
    }
}

extension Audit {
    /// The file that a path leads to, where a server keeps its journals beside.
    private static func resolve(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension JournaledSale {
    fileprivate var books: StockBooks {
        StockBooks(
            sale: sale,
            stock: stock,
            orders: ordersBefore,
            isTrusted: isTrusted,
            pending: pending,
            hasApplied: hasApplied
        )
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

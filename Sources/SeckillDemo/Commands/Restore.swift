internal import ArgumentParser
internal import SeckillProcess
internal import SeckillSQLite

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts a backup of the ledger back, or accepts that a copy was put back by hand.",
        discussion: """
            Stop all servers first. With --from, the ledger's file is kept as PATH.before-restore and the backup takes its \
            place. Either way every purchase link and every order that is not in the restored ledger is void: a server \
            that is started afterwards counts what is sold by the restored ledger alone. Check with audit what was lost.
            """
    )

    @OptionGroup var ledger: LedgerOption

    @Option(help: ArgumentHelp("The backup to put back.", valueName: "file"))
    var from: String?

    @Flag(help: "Accepts that the ledger, as it is, lacks orders that a stock store knows to be recorded.")
    var acceptLoss = false

    func validate() throws {
        guard (from != nil) != acceptLoss else { throw ValidationError("give either --from FILE or --accept-loss") }
    }

    func run() async throws {
        try await ledger.run { path in
            if let from {
                try await SQLiteOrderLedger.restore(from: from, to: path)
                try StandardStreams.print(
                    "\(path) is restored from \(from); what it was before is in \(path).before-restore"
                )
            } else {
                try await SQLiteOrderLedger.acceptLoss(path: path)
                try StandardStreams.print("\(path) is accepted as it is")
            }
        }
    }
}

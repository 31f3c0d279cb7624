internal import ArgumentParser
internal import SeckillProcess
internal import SeckillSQLite

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies the ledger to a file, beside servers at work.",
        discussion: """
            The copy is the ledger at one instant. It is complete, on the disk and readable by its owner alone when it \
            appears under its name. Never copy the ledger's file by hand: it is not complete without the files beside it.
            """
    )

    @OptionGroup var ledger: LedgerOption

    @Option(help: ArgumentHelp("The new file; a file that exists is not replaced.", valueName: "file"))
    var to: String

    func run() async throws {
        try await ledger.run { path in
            try await SQLiteOrderLedger.backup(from: path, to: to)
            try StandardStreams.print("\(path) is backed up to \(to)")
        }
    }
}

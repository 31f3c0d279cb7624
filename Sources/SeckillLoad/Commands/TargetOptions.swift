internal import ArgumentParser

/// What every command must be told of the servers it loads.
struct TargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The sale to buy from. Created with --stock units if it is not there.", valueName: "id"))
    var sale = "rehearsal"

    @Option(help: "How many units the sale has if it is created, which needs --admin-token.")
    var stock = 1000

    @Option(help: "The operator's token: creates the sale, and lets the server's own counts be compared.")
    var adminToken: String?

    @Flag(help: "Load a server that is not on this machine. Must be given twice: it is somebody's server.")
    var allowRemote: Int

    func target(_ url: String) throws -> Target {
        try Target(url, sale: sale, adminToken: adminToken, isRemoteAllowed: allowRemote >= 2)
    }
}

/// The size of the crowd and what each of them does.
struct CrowdOptions: ParsableArguments {
    @Option(help: "How many clients at once, each on a connection of its own; 1 to 100,000.")
    var buyers = 5000

    @Option(help: "Seconds until the last of them has begun.")
    var rampUp = 1.0

    @Option(help: "How many times each of them buys, as another user each time; 1 to 1,000.")
    var loops = 10

    @Option(help: "Seconds of thought between two loops.")
    var think = 0.0

    @Option(help: "Seconds to wait for an answer.")
    var timeout = 30.0

    @Option(help: ArgumentHelp("Write a report with charts into this file.", valueName: "file.html"))
    var html: String?

    func validate() throws {
        guard (1...100_000).contains(buyers) else { throw ValidationError("--buyers must be 1 to 100,000") }
        guard (1...1000).contains(loops) else { throw ValidationError("--loops must be 1 to 1,000") }
        for (name, value) in [("--ramp-up", rampUp), ("--think", think), ("--timeout", timeout)]
        where !(0...3600).contains(value) {
            throw ValidationError("\(name) must be 0 to 3,600 seconds")
        }
    }
}

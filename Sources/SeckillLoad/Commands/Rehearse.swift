internal import ArgumentParser
internal import SeckillProcess

/// One crowd, one server.
struct Rehearse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Rehearse one sale.")

    @Argument(help: "The server's address, such as http://127.0.0.1:8080.")
    var url: String

    @OptionGroup var options: TargetOptions
    @OptionGroup var crowd: CrowdOptions

    @Option(help: "Begin this many purchases a second, whatever the answers take (open loop).")
    var arrivals: Double?

    @Flag(help: "Log in and get the links before the clock runs: only purchases are measured.")
    var prepared = false

    @Flag(help: "Leave the orders unpaid.")
    var unpaid = false

    func validate() throws {
        if let arrivals, !(0.001...1_000_000).contains(arrivals) {
            throw ValidationError("--arrivals must be above 0 and at most 1,000,000 a second")
        }
    }

    func run() async throws {
        let plan = Plan(crowd, arrivals: arrivals, isPrepared: prepared, pays: !unpaid)
        let target = try options.target(url)
        let report = try await Rehearsal(target, plan).run(creating: options.stock)
        try StandardStreams.print(report.text)
        if let html = crowd.html { try report.writeHTML(to: html) }
        if report.exactness?.isExact != true { throw ExitCode(1) }
    }
}

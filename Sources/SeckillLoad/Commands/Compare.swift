internal import ArgumentParser
internal import SeckillProcess

/// The same crowd against a server that writes to its database in every request, and against the funnel.
struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare a server run with --direct with one that has the whole funnel.",
        discussion: """
            Without further options: 5,000 clients, all begun within a second, ten purchases each for 1,000 units. \
            Run both servers with --rate-limit off and the same --admin-token.
            """
    )

    @Option(help: "The address of the server that was started with --direct.")
    var direct: String

    @Option(help: "The address of the server with the funnel.")
    var funnel: String

    @OptionGroup var options: TargetOptions
    @OptionGroup var crowd: CrowdOptions

    func run() async throws {
        let plan = Plan(crowd, arrivals: nil, isPrepared: true, pays: false)
        var reports: [(name: String, Report)] = []
        for (name, url) in [("direct", direct), ("funnel", funnel)] {
            let report = try await Rehearsal(try options.target(url), plan).run(creating: options.stock)
            try StandardStreams.print(report.text)
            guard report.isComplete else { throw ExitCode(1) }
            reports.append((name, report))
        }
        try StandardStreams.print(Comparison(reports).text)
        if let html = crowd.html { try reports[1].1.writeHTML(to: html) }
        if reports.contains(where: { $0.1.exactness?.isExact != true }) { throw ExitCode(1) }
    }
}

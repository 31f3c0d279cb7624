internal import ArgumentParser
internal import SeckillProcess

@main
struct SeckillLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "SeckillLoad",
        abstract: "Plays a crowd against a sale, and says what the crowd saw.",
        discussion: """
            Works on every server that speaks the API of Docs/openapi.yaml. Ctrl-C ends a rehearsal early, with the \
            report of what was seen.
            """,
        subcommands: [Rehearse.self, Compare.self],
        defaultSubcommand: Rehearse.self
    )

    static func main() async {
        StandardStreams.prepare()
        await main(nil)
    }
}

internal import ArgumentParser
internal import SeckillProcess

@main
struct SeckillDemo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "SeckillDemo",
        abstract: "Sells a few units to a huge crowd, exactly: the reference server of swift-seckill.",
        discussion: Serve.helpMessage(columns: 80).replacing("OVERVIEW: ", with: ""),
        subcommands: [Serve.self, Audit.self, Backup.self, Restore.self],
        defaultSubcommand: Serve.self
    )

    static func main() async {
        StandardStreams.prepare()
        await main(nil)
    }
}

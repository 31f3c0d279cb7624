internal import ArgumentParser
internal import CoreMetrics
internal import Foundation
internal import Logging
internal import SeckillCore

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the API over HTTP.",
        discussion: """
            Each option can also be set in the environment: --ledger-rate as SECKILL_LEDGER_RATE, and so on. Options \
            win. What is secret is better kept there, for others can see the command line.
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let settings: Settings
        do {
            settings = try Settings(
                SettingSource(flags: options.values, environment: ProcessInfo.processInfo.environment),
                now: SystemClock().now
            )
        } catch let error as SettingError {
            throw ValidationError(error.description)
        }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = settings.logLevel
            return handler
        }
        MetricsSystem.bootstrap(PrometheusRegistry.shared)
        let shop = try await Shop(settings)
        try await shop.run()
    }
}

/// The flags of ``Serve``, as text: ``Settings`` checks them, wherever they come from.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address to listen on (default: 127.0.0.1).", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("Port to listen on; 0 for any that is free (default: 8080).", valueName: "port"))
    var port: String?

    @Option(
        help: ArgumentHelp(
            """
            Connections at most; beyond, those that are idle longest are closed (default: as many as ulimit -Hn leaves, and \
            at most 100000). Half of them may be event streams.
            """,
            valueName: "n"
        )
    )
    var maxConnections: String?

    @Option(
        help: ArgumentHelp(
            """
            Port on which /ready, /metrics and /health are answered; /ready and /metrics are then no longer answered on \
            --port (default: none).
            """,
            valueName: "port"
        )
    )
    var operationsPort: String?

    @Option(
        help: ArgumentHelp(
            "With --operations-port: address to listen on there (default: 127.0.0.1).",
            valueName: "address"
        )
    )
    var operationsHost: String?

    @Option(
        help: ArgumentHelp(
            """
            Address that browsers see, such as https://shop.example. With https, cookies are Secure; only pages of this \
            address may change anything (default: whatever host a request names, by http).
            """,
            valueName: "url"
        )
    )
    var publicURL: String?

    @Option(
        help: ArgumentHelp(
            """
            The ledger's SQLite file (default: ./seckill.sqlite). Stock and sessions are kept beside it, in the directory \
            PATH.journals, which one process uses at a time.
            """,
            valueName: "path"
        )
    )
    var ledger: String?

    @Option(
        help: ArgumentHelp(
            """
            Where everything but the ledger lives, so that several nodes sell together: redis://host:6379/0 or \
            unix:///path/of/socket (default: files beside the ledger, for one process).
            """,
            valueName: "url"
        )
    )
    var redis: String?

    @Option(
        help: ArgumentHelp(
            """
            With --redis: sets this shop's keys and channels apart from those of other shops in the same Redis (default: \
            the ledger's identity).
            """,
            valueName: "name"
        )
    )
    var namespace: String?

    @Flag(
        help: """
            Takes over every sale that the ledger gives to another stock store. That store must be out of use: orders that \
            it has accepted and not recorded are rejected as lost, and links stop selling.
            """
    )
    var takeOver = false

    @Option(help: ArgumentHelp("Orders a second into the ledger at most (default: as it goes).", valueName: "n"))
    var ledgerRate: String?

    @Option(help: ArgumentHelp("Whether a challenge comes before a link (default: off).", valueName: "on|off"))
    var captcha: String?

    @Option(
        help: ArgumentHelp(
            """
            Work for the browser of who cannot see the captcha: one bit more takes twice as long (default: 18, under a \
            second).
            """,
            valueName: "n"
        )
    )
    var workBits: String?

    @Option(
        help: ArgumentHelp(
            "Where rendered pages are kept: local, redis (and local), or off (default: redis with --redis, else local).",
            valueName: "where"
        )
    )
    var pageCache: String?

    @Option(
        help: ArgumentHelp(
            "Link and purchase requests of one user in any such time, or off (default: 5/5s).",
            valueName: "n/time"
        )
    )
    var rateLimit: String?

    @Option(
        help: ArgumentHelp(
            """
            Logins of one client in any such time, and as many challenges, or off (default: 100/60s; off with \
            --rate-limit off). A client is an IPv4 address, or the first 64 bits of an IPv6 address.
            """,
            valueName: "n/time"
        )
    )
    var clientRateLimit: String?

    @Option(
        help: ArgumentHelp(
            """
            Field in which a proxy names the client, such as X-Forwarded-For; the last address in it counts. Needed behind \
            a proxy, which would otherwise be taken for the only client (default: the connection's address).
            """,
            valueName: "name"
        )
    )
    var clientHeader: String?

    @Option(help: ArgumentHelp("How long a login lasts without use, such as 90m (default: 24h).", valueName: "time"))
    var sessionTTL: String?

    @Option(
        help: ArgumentHelp(
            """
            What signs purchase links, 32 bytes or more; after commas, any former ones, which are still accepted (default: \
            kept beside the ledger, in a file of mode 0600).
            """,
            valueName: "new[,old]…"
        )
    )
    var secret: String?

    @Option(help: ArgumentHelp("Opens /admin to who brings it (default: there is no /admin).", valueName: "token"))
    var adminToken: String?

    @Option(help: ArgumentHelp("With --redis: all, only web, or only worker (default: all).", valueName: "role"))
    var role: String?

    @Option(
        help: ArgumentHelp(
            """
            A sale to begin with, as for POST /admin/sales, unless it is there. Repeatable; in the environment an array \
            is several.
            """,
            valueName: "json"
        )
    )
    var sale: [String] = []

    @Flag(help: "For comparison: no queue, every purchase written to the ledger before it is answered.")
    var direct = false

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (default: info).",
            valueName: "level"
        )
    )
    var logLevel: String?

    /// Those that were given.
    var values: [Setting: String] {
        var values: [Setting: String] = [:]
        for (setting, text) in [
            Setting.host: host, .port: port, .maxConnections: maxConnections, .operationsHost: operationsHost,
            .operationsPort: operationsPort, .publicURL: publicURL, .ledger: ledger, .ledgerRate: ledgerRate,
            .redis: redis, .namespace: namespace, .captcha: captcha, .workBits: workBits, .pageCache: pageCache,
            .rateLimit: rateLimit, .clientRateLimit: clientRateLimit, .clientHeader: clientHeader,
            .sessionTTL: sessionTTL, .secret: secret, .adminToken: adminToken, .role: role, .logLevel: logLevel,
        ] { values[setting] = text }
        if sale.count == 1 { values[.sale] = sale[0] }
        if sale.count > 1 { values[.sale] = "[\(sale.joined(separator: ","))]" }
        if direct { values[.direct] = "true" }
        if takeOver { values[.takeOver] = "true" }
        return values
    }
}

internal import Foundation
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import SeckillCore
internal import SeckillProcess
internal import SeckillSQLite
internal import ServiceLifecycle
internal import UnixSignals

extension Shop {
    /// The shop of `settings`, with its sales.
    init(_ settings: Settings) async throws {
        let maxConnections = try settings.connections(descriptors: DescriptorLimit.raise())
        do {
            let ledger = try await SQLiteOrderLedger.open(path: settings.ledger)
            let secrets = try settings.secrets ?? SecretFile(ledger: ledger.path).load()
            try self.init(
                settings,
                try await Backends.open(settings, ledger),
                secrets: secrets,
                maxConnections: maxConnections
            )
            try await watch.join()
            try await takeSales()
            try await declareSales()
            // Another server may have declared the same sales at the same moment.
            try await refuseSalesOfOthers()
        } catch let error as SeckillError {
            throw StartError(error.message)
        }
    }

    /// Takes sales over that another store holds, if the operator says so, or refuses to start.
    private func takeSales() async throws {
        if settings.takesOver { try await flashSale.takeOver() }
        try await refuseSalesOfOthers()
    }

    private func refuseSalesOfOthers() async throws {
        let others = try await flashSale.heldElsewhere()
        guard let (_, holder) = others.min(by: { $0.key.text < $1.key.text }) else { return }
        let sales = others.filter { $0.value == holder }.keys.map(\.text).sorted()
        let named =
            sales.count > 3 ? "\(sales[..<3].joined(separator: ", ")) and others" : sales.joined(separator: ", ")
        throw StartError(
            """
            the ledger gives \(sales.count == 1 ? "the sale" : "the sales") \(named) to the stock store \(holder), and this \
            server uses \(backends.stock.name). If servers still use that store, start this one with the same store. To move \
            the sales here, stop those servers with SIGTERM, so that they record what is queued; start one again first if it \
            was killed. A server with a stock store of its own gives its sales up when it stops; otherwise start this one \
            with --take-over. Orders that \(holder) has accepted and not recorded by then are rejected as lost
            """
        )
    }

    /// All that runs, stopped in the opposite order: first the events, which never end by themselves, then the web
    /// server, then the work behind it.
    ///
    /// - Parameter operations: is stopped last, so that it says until then how the server is.
    func services(around web: some Service, operations: (any Service)? = nil) -> [any Service] {
        (operations.map { [$0] } ?? []) + [
            watch, flashSale, PageKeeper(flashSale: flashSale, pages: pages), web, events,
        ]
    }

    /// Serves until told to stop: then takes no more, answers what is in hand and records what is queued, all in ten
    /// seconds.
    func run() async throws {
        // Nobody may be there to read it.
        let web = application { port in
            try? StandardStreams.print("swift-seckill listens on http://\(Self.address(settings.host, port))")
        }
        let operations = operationsApplication { port in
            try? StandardStreams.print("operations are on http://\(Self.address(settings.operationsHost, port))")
        }
        var configuration = ServiceGroupConfiguration(
            services: services(around: web, operations: operations),
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(8)
        do {
            try await ServiceGroup(configuration: configuration).run()
            await end()
        } catch let error as IOError {
            throw StartError("\(addresses) cannot be listened on: \(error.advice)")
        } catch is SocketAddressError, is SocketAddressError.UnknownHost {
            throw StartError("\(addresses) is no address of this machine; choose another with --host")
        }
    }

    /// Where it listens, or wants to.
    private var addresses: String {
        let operations = settings.operationsPort.map { " or \(Self.address(settings.operationsHost, $0))" } ?? ""
        return Self.address(settings.host, settings.port) + operations
    }

    private static func address(_ host: String, _ port: Int) -> String {
        "\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

extension Settings {
    /// Descriptors for everything that is not a connection of a buyer: event loops and their like, 13 for the ledger, 12
    /// for journals or Redis, those of the operations port, and what both listeners accept before they count it.
    private static let reserve = 200
    private static let mostConnections = 100_000

    /// How many connections there may be in a process that may have so many `descriptors`.
    func connections(descriptors: Int) throws -> Int {
        // Every event loop has three, and there is one for each processor.
        let room = descriptors - Self.reserve - 3 * ProcessInfo.processInfo.activeProcessorCount
        guard room >= 16 else {
            throw StartError("no more than \(descriptors) files may be open at once; raise ulimit -Hn to 1024 or more")
        }
        guard let maxConnections else { return min(room, Self.mostConnections) }
        guard maxConnections <= room else {
            let reason = "as no more than \(descriptors) files may be open at once; choose fewer, or raise ulimit -Hn"
            throw StartError("--max-connections can be \(room) at most, \(reason)")
        }
        return maxConnections
    }
}

extension Shop {
    /// The orderly end: a store that no other server uses gives its sales up, so that any store may hold them next.
    private func end() async {
        if backends.redis == nil {
            do {
                try await flashSale.releaseSales()
            } catch {
                logger.warning(
                    "sales not given up; this server's store still holds them",
                    metadata: ["error": "\(error)"]
                )
            }
        }
        await watch.leave()
        await backends.close()
    }
}

extension IOError {
    fileprivate var advice: String {
        switch errnoCode {
        case EADDRINUSE: "another process has the port; choose one with --port"
        case EACCES: "this needs a right that this process has not; choose a --port above 1023"
        case EADDRNOTAVAIL: "no interface has the address; choose one with --host"
        default: "\(self)"
        }
    }
}

internal import Foundation
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import SeckillCore
internal import SeckillNIO
internal import ServiceLifecycle

/// The server, wired: the funnel over its backends, and the site in front of it.
struct Shop: Sendable {
    let settings: Settings
    let backends: Backends
    let flashSale: FlashSale
    let pages: Pages
    let events: EventHub
    let watch: ServerWatch
    var site: Site
    /// What is answered ahead of the site; nil where there is no crowd.
    let hotSite: HotSite?
    /// What is answered on a port of its own; nil if it is answered by ``site``.
    let operationsSite: Site?
    /// The connections that ``site`` may have.
    let connections: ServerConnections
    let logger: Logger

    /// A shop over these backends.
    init(
        _ settings: Settings,
        _ backends: Backends,
        secrets: [String],
        maxConnections: Int = 1024,
        clock: any SaleClock = .system,
        logger: Logger = Logger(label: "seckill")
    ) throws {
        self.settings = settings
        self.backends = backends
        self.logger = logger
        var configuration = FlashSale.Configuration()
        configuration.sessionLifetime = settings.sessionTTL
        configuration.ledgerRate = settings.ledgerRate
        configuration.role = settings.role
        configuration.consumer = ConsumerID("\(settings.role.rawValue)-\(ProcessInfo.processInfo.processIdentifier)")
        // Of a worker that died, another takes the orders over soon: twice recorded is once recorded.
        configuration.takeOver = .seconds(5)
        // With the requests in hand, out within ten seconds.
        configuration.drainLimit = .seconds(5)
        let signer = try LinkSigner(secrets: secrets.map { Array($0.utf8) })
        flashSale = FlashSale(
            stock: backends.stock,
            ledger: backends.ledger,
            sessions: backends.sessions,
            limiter: backends.limiter,
            clientLimiter: backends.clientLimiter,
            purchases: backends.purchases,
            challenges: backends.challenges,
            signals: backends.signals,
            signer: signer,
            configuration: configuration,
            clock: clock,
            logger: logger
        )
        let visitors = Visitors(
            flashSale: flashSale,
            cookie: SessionCookie(isSecure: settings.publicURL?.isSecure ?? false)
        )
        pages = Pages(
            flashSale: flashSale,
            asksChallenge: !backends.challenges.isEmpty,
            cache: backends.pages.map { PageRenderer($0) }
        )
        // A stream is open for minutes and is never idle: half of the connections are for the rest.
        events = EventHub(flashSale: flashSale, clock: clock, limit: maxConnections / 2)
        connections = ServerConnections(limit: maxConnections, logger: logger)
        watch = ServerWatch(
            flashSale: flashSale,
            stock: backends.stock,
            checkLedger: backends.checkLedger,
            files: backends.files,
            // A worker signs nothing.
            nodes: settings.role == .worker
                ? nil : backends.redis.map { NodeRegister($0, fingerprints: signer.fingerprints) },
            clock: clock,
            logger: logger
        )
        let operations = OperationRoutes(flashSale: flashSale, watch: watch)
        var resources = settings.operationsPort == nil ? operations.resources : [operations.liveness]
        if settings.role != .worker {
            resources += PurchaseRoutes(flashSale: flashSale, visitors: visitors).resources
            resources += ChallengeRoutes(flashSale: flashSale, visitors: visitors).resources
            resources += SaleRoutes(flashSale: flashSale).resources
            resources += OrderRoutes(flashSale: flashSale, visitors: visitors).resources
            resources += EventRoutes(flashSale: flashSale, visitors: visitors, events: events).resources
            resources += PageRoutes(pages: pages, hasAdmin: settings.adminToken != nil).resources
            resources += SessionRoutes(flashSale: flashSale, visitors: visitors).resources
        }
        if let token = settings.adminToken {
            resources +=
                AdminRoutes(
                    flashSale: flashSale,
                    operations: operations,
                    clock: clock,
                    token: token,
                    isSecure: settings.publicURL?.isSecure ?? false
                ).resources
        }
        let origins = OriginPolicy(publicURL: settings.publicURL)
        func makeSite(_ resources: [Resource]) -> Site {
            Site(
                resources: resources,
                origins: origins,
                clientHeader: settings.clientHeader,
                clock: clock,
                logger: logger
            )
        }
        site = makeSite(resources)
        operationsSite = settings.operationsPort.map { _ in makeSite(operations.resources) }
        hotSite =
            settings.role == .worker
            ? nil
            : HotSite(
                flashSale: flashSale,
                pages: pages,
                cookie: visitors.cookie,
                origins: origins,
                dates: DateTeller { clock.now }
            )
    }

    /// Puts the sales of the settings on sale that are not there yet.
    func declareSales() async throws {
        for declaration in settings.sales {
            do {
                let (record, isNew) = try await declaration.create(in: flashSale)
                logger.notice(
                    isNew ? "sale created" : "sale is there",
                    metadata: ["seckill.sale": "\(record.sale.id)"]
                )
            } catch let problem as Problem {
                logger.warning("sale is there and left as it is", metadata: ["error": "\(problem.detail)"])
            }
        }
    }

    /// The web server; `onRunning` is told the port.
    ///
    /// - Parameter isHot: whether the crowd is answered ahead of the site, as it is but for comparisons.
    func application(
        limits: ConnectionGuard.Limits = ConnectionGuard.Limits(),
        isHot: Bool = true,
        onRunning: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) -> some ApplicationProtocol {
        application(
            of: site,
            ahead: (isHot ? hotSite : nil) ?? ColdSite(),
            at: .hostname(settings.host, port: settings.port),
            connections,
            limits,
            onRunning
        )
    }

    /// The server of ``operationsSite``, if it has a port of its own. Its connections are few and counted apart, so that it
    /// answers while ``connections`` are used up.
    func operationsApplication(
        onRunning: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) -> (any ApplicationProtocol)? {
        guard let operationsSite, let port = settings.operationsPort else { return nil }
        return application(
            of: operationsSite,
            ahead: ColdSite(),
            at: .hostname(settings.operationsHost, port: port),
            ServerConnections(limit: Self.operationsConnections, listener: "operations", logger: logger),
            ConnectionGuard.Limits(),
            onRunning
        )
    }

    /// How many connections the operations port may have.
    static let operationsConnections = 32

    private func application(
        of site: Site,
        ahead routes: any HotRoutes,
        at address: BindAddress,
        _ connections: ServerConnections,
        _ limits: ConnectionGuard.Limits,
        _ onRunning: @escaping @Sendable (_ port: Int) -> Void
    ) -> some ApplicationProtocol {
        Application(
            responder: site,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionGuard(limits: limits, in: connections, ahead: routes)],
                    // Hummingbird sees nothing of what is answered ahead of it: the hot routes keep the time.
                    idleTimeout: nil,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: Site.headLimit,
                        maxHeaderListSize: Site.headLimit,
                        maxHeaderFieldCount: 256
                    )
                )
            ),
            configuration: ApplicationConfiguration(
                address: address,
                backlog: 4096
            ),
            onServerRunning: { channel in
                // Fails only if the channel has been closed, and then there is nobody to accept.
                try? await connections.watch(channel).get()
                onRunning(channel.localAddress?.port ?? 0)
            },
            logger: logger
        )
    }
}

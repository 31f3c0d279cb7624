internal import Foundation
internal import Hummingbird
internal import NIOCore
internal import SeckillCore
internal import ServiceLifecycle
internal import UnixSignals

extension Shop {
    /// The shop of `settings`, with its sales.
    init(_ settings: Settings) async throws {
        do {
            let backends = try await Backends.open(settings)
            let secrets = try settings.secrets ?? SecretFile(ledger: settings.ledger).load()
            try self.init(settings, backends, secrets: secrets)
            try await declareSales()
        } catch let error as SeckillError {
            throw StartError(error.message)
        }
    }

    /// All that runs, stopped in the opposite order: first the events, which never end by themselves, then the web
    /// server, then the work behind it.
    func services(around web: some Service) -> [any Service] {
        [flashSale, PageKeeper(flashSale: flashSale, pages: pages), web, events]
    }

    /// Serves until told to stop: then takes no more, answers what is in hand and records what is queued, all in ten
    /// seconds.
    func run() async throws {
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        let web = application { port in
            FileHandle.standardOutput.write(Data("swift-seckill listens on http://\(host):\(port)\n".utf8))
        }
        var configuration = ServiceGroupConfiguration(
            services: services(around: web),
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(8)
        do {
            try await ServiceGroup(configuration: configuration).run()
            await backends.close()
        } catch let error as IOError {
            throw StartError("\(settings.host):\(settings.port) cannot be listened on: \(error.advice)")
        } catch is SocketAddressError, is SocketAddressError.UnknownHost {
            throw StartError("--host \(settings.host) is no address of this machine")
        }
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

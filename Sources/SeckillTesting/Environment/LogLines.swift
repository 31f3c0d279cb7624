package import Logging
internal import SeckillCore

/// A logger's lines, each as its level, its message and its metadata.
package struct LogLines: Sendable {
    private let all = Locked<[String]>([])

    package init() {}

    /// What was logged until now.
    package var lines: [String] { all.withLock { $0 } }

    /// A logger whose lines these are, from `level` on.
    package func logger(from level: Logger.Level = .debug) -> Logger {
        Logger(label: "test") { _ in Handler(all: all, logLevel: level) }
    }

    /// What was logged until now, which is then forgotten.
    package func take() -> [String] {
        all.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    private struct Handler: LogHandler {
        let all: Locked<[String]>
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            let parts = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            all.withLock { $0.append((["\(event.level) \(event.message)"] + parts).joined(separator: " ")) }
        }
    }
}

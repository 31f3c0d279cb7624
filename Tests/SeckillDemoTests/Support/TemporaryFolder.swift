import Foundation
import SeckillCore
import TestServers

/// A folder that lasts as long as the value does.
final class TemporaryFolder: Sendable {
    private let url: URL

    init(in parent: URL = .scratch) {
        url = parent.appendingPathComponent("seckill-" + Base64URL.encode(SystemRandom().bytes(9)))
        try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

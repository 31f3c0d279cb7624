import Foundation
import Logging
import SeckillCore
import Testing

/// Waits until `condition` holds.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(20),
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let end = SystemClock().uptime + limit
    while try await !condition() {
        guard SystemClock().uptime < end else { throw NeverHappened(description: "\(what), not within \(limit)") }
        try await SystemClock().sleep(for: .milliseconds(2))
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

extension Logger {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// A port that nobody listened on a moment ago.
func freePort() throws -> Int {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutableBytes(of: &address) { bytes in
        let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
        try #require(bind(listener, pointer, size) == 0 && getsockname(listener, pointer, &size) == 0)
    }
    return Int(UInt16(bigEndian: address.sin_port))
}

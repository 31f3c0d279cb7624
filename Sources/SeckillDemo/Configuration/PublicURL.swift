/// The address under which browsers reach the site: a scheme, a host and perhaps a port.
struct PublicURL: Hashable, Sendable {
    /// As browsers write it in `Origin`: lower case, without a port that goes without saying.
    let origin: String

    var isSecure: Bool { origin.hasPrefix("https:") }

    /// The address, or nil if `text` is no http or https address of a host alone.
    init?(_ text: String) {
        let lowered = text.lowercased()
        guard let scheme = ["https", "http"].first(where: { lowered.hasPrefix("\($0)://") }) else { return nil }
        var authority = lowered.dropFirst(scheme.count + 3)
        if authority.hasSuffix("/") { authority.removeLast() }
        let host: Substring
        var port: Substring?
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[...end]
            guard host.dropFirst().dropLast().allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
            let rest = authority[end...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts[0]
            port = parts.count > 1 ? parts[1] : nil
            guard host.utf8.allSatisfy(Self.isInHostName) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if let text = port {
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text), number > 0 else {
                return nil
            }
            port = number == (scheme == "https" ? 443 : 80) ? nil : Substring(String(number))
        }
        origin = "\(scheme)://\(host)" + (port.map { ":\($0)" } ?? "")
    }

    private static func isInHostName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

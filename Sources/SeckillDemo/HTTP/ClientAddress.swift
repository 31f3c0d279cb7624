internal import HTTPTypes
internal import NIOCore

/// Whom a request comes from, as far as addresses tell: an IPv4 address, or the first 64 bits of an IPv6 address, for each
/// household has that many.
struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    let description: String

    init?(_ address: SocketAddress) {
        switch address {
        case .v4:
            guard let text = address.ipAddress else { return nil }
            description = text
        case .v6(let address):
            // Behind family, port and flow label, in the same place on every system.
            let bytes = withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
            let isMappedIPv4 = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10..<12] == [0xFF, 0xFF]
            description =
                isMappedIPv4
                ? bytes[12...].map { String($0) }.joined(separator: ".")
                : bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "/64"
        case .unixDomainSocket: return nil
        }
    }

    /// From what the nearest proxy has added to a field: the last of the addresses in it.
    init?(lastIn field: String) {
        let text = field.split(separator: ",").last.map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let text, let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
        self.init(address)
    }
}

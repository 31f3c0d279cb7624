/// A page in Prometheus's text format 0.0.4, as it is written.
struct PrometheusPage {
    private(set) var text = ""

    /// What the metrics mean, by name.
    private static let help = [
        "seckill_requests_total": "Requests that reached the funnel, by route.",
        "seckill_refusals_total": "Requests that the funnel turned away, by route and reason.",
        "seckill_request_seconds": "Time that the funnel took to decide, by route.",
        "seckill_sessions": "Sessions that the store keeps, of which some may be over.",
        "seckill_orders_total": "Orders that this process put into a status in the ledger.",
        "seckill_returned_units_total": "Units put back on sale.",
        "seckill_queue_depth": "Reservations that are not yet in the ledger.",
        "seckill_queue_age_seconds": "Age of the oldest reservation that is not yet in the ledger.",
        "seckill_rebuilds_total": "Times that a sale's stock was installed from the ledger.",
        "seckill_connections": "Open connections, by listener.",
        "seckill_connections_closed_total": "Connections that the server closed, by listener and reason.",
        "seckill_accept_failures_total":
            "Times that no connection could be accepted for lack of descriptors or memory.",
        "seckill_event_streams": "Open event streams.",
        "seckill_event_streams_refused_total": "Event streams that were refused because there were too many.",
        "seckill_ready": "1 while purchases can be answered, else 0.",
        "seckill_sale_units": "Units of a sale by where they are; all but stock add up to it when it is quiet.",
        "seckill_sale_ended_orders": "Ledger rows of a sale that hold no unit any more, by status.",
        "seckill_sale_epoch": "Times that a sale's stock was installed, by the ledger's word.",
    ]

    /// Starts the samples of one name.
    mutating func begin(_ name: String, type: String) {
        text += "# HELP \(name) \(Self.help[name] ?? "No description.")\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: PrometheusLabels, _ value: String) {
        text += "\(name)\(labels.text) \(value)\n"
    }

    /// `label` with what a metric's name may not hold replaced by `_`.
    static func name(_ label: String) -> String {
        let name = String(
            label.unicodeScalars.map { scalar -> Character in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_")
                    ? Character(scalar) : "_"
            }
        )
        return name.first.map { $0.isNumber ? "_" + name : name } ?? "_"
    }
}

/// A metric's labels, as they are written: `{route="link"}`, or nothing.
struct PrometheusLabels: Hashable, Sendable {
    private var pairs: [String]

    init(_ dimensions: [(String, String)] = []) {
        pairs = dimensions.map { name, value in
            let escaped = value.unicodeScalars.map { scalar -> String in
                switch scalar {
                case "\\": #"\\"#
                case "\"": #"\""#
                case "\n": #"\n"#
                default: String(scalar)
                }
            }
            return "\(PrometheusPage.name(name))=\"\(escaped.joined())\""
        }
    }

    var text: String { pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}" }

    func adding(_ name: String, _ value: String) -> PrometheusLabels {
        var labels = self
        labels.pairs += PrometheusLabels([(name, value)]).pairs
        return labels
    }
}

/// Whether what the clients were promised is what the server counts.
struct Exactness: Sendable {
    /// Orders that clients hold a 202 for, or found.
    let acknowledged: Int
    /// Orders that were posted and of which nothing is known: each may count or not.
    let unknown: Int
    /// Orders that the server took meanwhile.
    let taken: Int
    /// By how many the live orders exceed the stock.
    let oversold: Int
    /// Whether the server's counts are of reservations, not of units that may have come back meanwhile.
    let isDirect: Bool

    init(before: Server.Counts, after: Server.Counts, _ state: Scoreboard.State) {
        acknowledged = state.acknowledged.count
        unknown = state.unknown.subtracting(state.acknowledged).count
        if let first = before.sequence, let last = after.sequence, last >= first {
            taken = last - first
            isDirect = true
        } else {
            taken = before.remaining - after.remaining
            isDirect = false
        }
        oversold = max(0, (after.live ?? 0) - after.stock)
    }

    var isExact: Bool { oversold == 0 && (acknowledged...acknowledged + unknown).contains(taken) }

    var text: String {
        let verdict =
            if oversold > 0 {
                "OVERSOLD by \(oversold)"
            } else if isExact {
                "exact"
            } else {
                "NOT EXACT"
            }
        let open = unknown > 0 ? ", \(unknown) never answered" : ""
        return
            "\(verdict): \(acknowledged) accepted\(open); the server took \(taken)\(isDirect ? "" : " (by its remaining units)")"
    }
}

internal import SeckillCore

/// Who is rebuilding which sale. Kept in memory only: whoever held a claim died with the process.
struct StockClaims: Sendable {
    private struct Claim: Sendable {
        var token: String
        var until: Duration
    }

    private var made = 0
    private var open: [SaleID: Claim] = [:]

    /// A new claim; nil while another is alive.
    mutating func claim(
        _ sale: SaleID,
        on identity: StoreIdentity,
        at now: Duration,
        for lifetime: Duration
    ) -> StockClaim? {
        if let claim = open[sale], claim.until > now { return nil }
        made += 1
        open[sale] = Claim(token: String(made), until: now + lifetime)
        return StockClaim(sale: sale, token: String(made), identity: identity)
    }

    func isAlive(_ claim: StockClaim, at now: Duration) -> Bool {
        open[claim.sale].map { $0.token == claim.token && $0.until > now } ?? false
    }

    mutating func end(_ claim: StockClaim) {
        if open[claim.sale]?.token == claim.token { open[claim.sale] = nil }
    }
}

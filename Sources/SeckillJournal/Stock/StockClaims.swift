internal import SeckillCore

/// The leases on sales that are being rebuilt. Kept in memory only, because their owners die with the process.
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
        for lifetime: Duration,
        epoch: Int
    ) -> StockClaim? {
        if let claim = open[sale], claim.until > now { return nil }
        made += 1
        open[sale] = Claim(token: String(made), until: now + lifetime)
        return StockClaim(sale: sale, token: String(made), identity: identity, epoch: epoch)
    }

    /// False if the claim is over.
    mutating func renew(_ claim: StockClaim, at now: Duration, for lifetime: Duration) -> Bool {
        guard isAlive(claim, at: now) else { return false }
        open[claim.sale]?.until = now + lifetime
        return true
    }

    func isAlive(_ claim: StockClaim, at now: Duration) -> Bool {
        open[claim.sale].map { $0.token == claim.token && $0.until > now } ?? false
    }

    mutating func end(_ claim: StockClaim) {
        if open[claim.sale]?.token == claim.token { open[claim.sale] = nil }
    }
}

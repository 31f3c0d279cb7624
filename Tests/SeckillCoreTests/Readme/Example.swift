import SeckillCore

func buyOne(signedWith secret: [UInt8]) async throws -> Order? {
    let flashSale = FlashSale(
        stock: MemoryStockStore(),
        ledger: MemoryOrderLedger(),
        sessions: MemorySessionStore(),
        limiter: MemoryRateLimiter(Rate(5, per: .seconds(5))!),
        signer: try LinkSigner(secrets: [secret])
    )
    let work = Task { try await flashSale.run() }  // orders into the ledger, deadlines, returns
    defer { work.cancel() }

    let phone = SaleID("phone")!
    let alice = FlashSale.Caller.user(UserID("alice")!)
    let sale = try Sale(id: phone, title: "Phone", price: 99_00, stock: 100, opensAt: SystemClock().now)
    _ = try await flashSale.create(sale)

    guard case .granted(let link) = await flashSale.link(to: phone, for: alice) else { return nil }
    switch await flashSale.purchase(link.token, of: phone, by: alice) {
    case .accepted(let order): return order  // the same order, however often the link is posted
    case .refused: return nil  // sold out, over the limit, closed, unavailable, …
    }
}

import SeckillCore
import SeckillTesting
import Testing

struct BuyingTests {
    @Test func aUnitIsBoughtRecordedAndPaid() async throws {
        let shop = try await Shop()
        let user = UserID("alice")!
        let order = try await shop.buy(as: "alice")
        #expect(order.status == .queued && order.sequence == 1)
        #expect(try await shop.flashSale.order(order.id, of: user)?.status == .queued)
        #expect(try await shop.flashSale.pay(order.id, of: user) == .refused(order))
        try await shop.record()
        let recorded = try await shop.flashSale.order(order.id, of: user)
        #expect(recorded?.status == .awaitingPayment)
        #expect(recorded?.payBy == shop.clock.now + .seconds(60))
        guard case .done(let paid) = try await shop.flashSale.pay(order.id, of: user) else {
            Issue.record("not paid")
            return
        }
        #expect(paid.status == .paid)
        #expect(try await shop.flashSale.orders(of: user) == [paid])
        #expect(try await shop.unitsAccountedFor() == 10)
    }

    @Test func oneLinkIsOneOrderHoweverOftenItIsPosted() async throws {
        let shop = try await Shop(limitPerUser: 5)
        let link = try await shop.link(for: "alice")
        let orders = try await withThrowingTaskGroup(of: Order.self) { group in
            for _ in 0..<50 { group.addTask { try await shop.buy(link, as: "alice") } }
            return try await group.reduce(into: Set<OrderID>()) { $0.insert($1.id) }
        }
        #expect(orders == [link.order])
        #expect(try await shop.stock.snapshot(of: shop.sale)?.remaining == 9)
        try await shop.record()
        #expect(try await shop.buy(link, as: "alice").status == .awaitingPayment)
    }

    @Test func aRetryIsAnsweredEvenWhenAllIsSold() async throws {
        let shop = try await Shop(stock: 1)
        let link = try await shop.link(for: "alice")
        let order = try await shop.buy(link, as: "alice")
        #expect(try await shop.buy(link, as: "alice").id == order.id)
    }

    @Test func everyRefusalSaysWhatIsWrong() async throws {
        let shop = try await Shop(stock: 1)
        let link = try await shop.link(for: "alice")
        await #expect(throws: Refused(refusal: .badLink)) { try await shop.buy(link, as: "bob") }
        #expect(try await shop.stock.snapshot(of: shop.sale)?.remaining == 1)
        await #expect(throws: Refused(refusal: .noSession)) {
            let outcome = await shop.flashSale.purchase(link.token, of: shop.sale, by: .session(nil))
            if case .refused(let refusal, let order) = outcome {
                #expect(order == link.order)
                throw Refused(refusal: refusal)
            }
        }
        let nowhere = await shop.flashSale.purchase(link.token, of: SaleID("nowhere")!, by: .user(UserID("alice")!))
        guard case .refused(.noSale, nil) = nowhere else {
            Issue.record("\(nowhere)")
            return
        }
        let second = try await shop.link(for: "alice")
        let bobs = try await shop.link(for: "bob")
        _ = try await shop.buy(link, as: "alice")
        await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(bobs, as: "bob") }
        _ = try await shop.flashSale.restock(shop.sale, adding: 2)
        await #expect(throws: Refused(refusal: .limitReached)) { try await shop.buy(second, as: "alice") }
        _ = try await shop.flashSale.setAdmission(.paused, of: shop.sale)
        await #expect(throws: Refused(refusal: .paused)) { try await shop.buy(bobs, as: "bob") }
        _ = try await shop.flashSale.setAdmission(.open, of: shop.sale)
        shop.clock.advance(by: .seconds(600))
        await #expect(throws: Refused(refusal: .linkExpired)) { try await shop.buy(bobs, as: "bob") }
        _ = try await shop.flashSale.setAdmission(.closed, of: shop.sale)
        await #expect(throws: Refused(refusal: .closed)) { try await shop.link(for: "bob") }
    }

    @Test func aSaleSellsBetweenItsTimes() async throws {
        let shop = try await Shop(opensIn: .seconds(10), closesIn: .seconds(20))
        let opensAt = shop.clock.now + .seconds(10)
        await #expect(throws: Refused(refusal: .notOpen(opensAt: opensAt))) { try await shop.link(for: "alice") }
        #expect(try await shop.flashSale.status(of: shop.sale)?.state == .scheduled)
        shop.clock.advance(by: .seconds(10))
        #expect(try await shop.flashSale.status(of: shop.sale)?.state == .open)
        let link = try await shop.link(for: "alice")
        shop.clock.advance(by: .seconds(10))
        await #expect(throws: Refused(refusal: .closed)) { try await shop.buy(link, as: "alice") }
        #expect(try await shop.flashSale.status(of: shop.sale)?.state == .closed)
    }

    @Test func linksAndPurchasesCountTowardsTheRate() async throws {
        let shop = try await Shop(rate: Rate(3, per: .seconds(5))!)
        let link = try await shop.link(for: "alice")
        _ = try await shop.buy(link, as: "alice")
        _ = try await shop.buy(link, as: "alice")
        await #expect(throws: Refused(refusal: .rateLimited(retryAfter: .seconds(5)))) {
            try await shop.buy(link, as: "alice")
        }
        _ = try await shop.buy(as: "bob")
        shop.clock.advance(by: .seconds(5))
        #expect(try await shop.buy(link, as: "alice").id == link.order)
    }

    @Test func sessionsAreFollowedAndSlide() async throws {
        let shop = try await Shop()
        let token = try #require(await shop.flashSale.logIn(UserID("alice")!).token)
        shop.clock.advance(by: .seconds(50_000))
        #expect(try await shop.flashSale.user(for: .session(token))?.text == "alice")
        shop.clock.advance(by: .seconds(80_000))
        #expect(try await shop.flashSale.user(for: .session(token))?.text == "alice")
        try await shop.flashSale.logOut(token)
        #expect(try await shop.flashSale.user(for: .session(token)) == nil)
    }

    @Test func aThousandBuyersGetExactlyTheStock() async throws {
        let shop = try await Shop(stock: 100, limitPerUser: 2)
        let bought = await withTaskGroup(of: (String, Bool).self) { group in
            for buyer in 0..<1000 {
                for _ in 0..<5 {
                    group.addTask { ("u\(buyer % 300)", (try? await shop.buy(as: "u\(buyer % 300)")) != nil) }
                }
            }
            return await group.reduce(into: [String: Int]()) { if $1.1 { $0[$1.0, default: 0] += 1 } }
        }
        #expect(bought.values.reduce(0, +) == 100)
        #expect(bought.values.max()! <= 2)
        try await shop.record()
        #expect(try await shop.ledger.totals(of: shop.sale)?.awaiting == 100)
        #expect(try await shop.unitsAccountedFor() == 100)
    }

    @Test func anothersOrderLooksLikeNone() async throws {
        let shop = try await Shop()
        let order = try await shop.buy(as: "alice")
        #expect(try await shop.flashSale.order(order.id, of: UserID("bob")!) == nil)
        #expect(try await shop.flashSale.pay(order.id, of: UserID("bob")!) == nil)
        #expect(try await shop.flashSale.cancel(order.id, of: UserID("bob")!) == nil)
        let unplaced = try await shop.link(for: "alice")
        #expect(try await shop.flashSale.order(unplaced.order, of: UserID("alice")!) == nil)
    }

    /// A link of an epoch that is over never sells, and still finds what it bought.
    @Test func aLinkOfAnOlderEpochFindsItsRecordedOrder() async throws {
        let shop = try await Shop()
        let bought = try await shop.link(for: "alice")
        let unused = try await shop.link(for: "bob")
        _ = try await shop.buy(bought, as: "alice")
        try await shop.stock.distrust(shop.sale, epoch: 1)
        _ = try await shop.flashSale.create(shop.ledger.sale(shop.sale)!.sale)
        #expect(try await shop.stock.snapshot(of: shop.sale)?.epoch == 2)
        #expect(try await shop.buy(bought, as: "alice").status == .awaitingPayment)
        _ = try await shop.flashSale.pay(bought.order, of: UserID("alice")!)
        #expect(try await shop.buy(bought, as: "alice").status == .paid)
        await #expect(throws: Refused(refusal: .linkExpired)) { try await shop.buy(unused, as: "bob") }
    }

    /// What the store knows of comes before every other refusal.
    @Test(arguments: [Admission.paused, .closed])
    func aRetryIsAnsweredThoughTheSaleNoLongerSells(admission: Admission) async throws {
        let shop = try await Shop(stock: 2)
        let link = try await shop.link(for: "alice")
        let order = try await shop.buy(link, as: "alice")
        _ = try await shop.flashSale.setAdmission(admission, of: shop.sale)
        #expect(try await shop.buy(link, as: "alice") == order)
    }

    @Test func momentsThatNoCalendarHasAreRefusedInWords() {
        func sale(_ opensAt: Int64, _ closesAt: Int64?) throws -> Sale {
            try Sale(
                id: SaleID("phone")!,
                title: "Phone",
                price: 1,
                stock: 1,
                opensAt: Timestamp(milliseconds: opensAt),
                closesAt: closesAt.map { Timestamp(milliseconds: $0) }
            )
        }
        let end: Int64 = 253_402_300_799_999
        #expect(throws: Never.self) { try sale(0, end) }
        for (opensAt, closesAt, field) in [
            (0, end + 1, "closesAt"), (0, .max, "closesAt"), (.min, 0, "opensAt"), (.max, nil, "opensAt"),
        ] as [(Int64, Int64?, String)] {
            #expect {
                try sale(opensAt, closesAt)
            } throws: {
                ($0 as? SeckillError)?.code == .invalid && "\($0)".contains(field)
            }
        }
    }
}

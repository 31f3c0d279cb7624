internal import SeckillCore

/// What checks buy with: ids and users of the right form, the same on every run.
struct Samples: Sendable {
    // A fixed secret of the right length: orders of checks are worth nothing.
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)], random: SeededRandom(1))

    func order(_ sale: SaleID = .sample, epoch: Int = 1, for user: UserID) -> OrderID {
        signer.mintOrder(sale: sale, epoch: epoch, user: user)
    }
}

extension SaleID {
    static let sample = SaleID("sample")!
    static let other = SaleID("Other_-1")!
}

extension StoreName {
    static let sample = StoreName("sample store")
    static let other = StoreName("another store")
}

extension UserID {
    static let alice = UserID("alice")!
    static let bob = UserID("bob")!

    static func number(_ number: Int) -> UserID { UserID("user-\(number)")! }

    /// Users that a careless backend takes for each other, or for syntax.
    static let odd: [UserID] = [
        "Alice", "ALICE", "alice ", " alice", "caf\u{E9}", "cafe\u{301}", "\u{301}alice", "\u{FB01}n", "fin",
        "stra\u{DF}e", "strasse",
        "\u{1F6D2}\u{200D}\u{FE0F}", "\u{202E}ecila", "\u{FEFF}alice", "o'brien", "\"quoted\"", "back\\slash",
        "{seckill}", "{sample}:x", "a:b", "a.b", "a|b", "a,b", "$1", "%s%00", "?", "*", "[a-z]", "NULL", "nil", "0",
        "00", "-1", "1e3", "';DROP TABLE orders;--", "../../etc", "<b>", "\u{10FFFF}",
        String(repeating: "x", count: 128), String(repeating: "\u{1F600}", count: 32),
    ].map { UserID($0)! }
}

extension Sale {
    static func sample(
        _ id: SaleID = .sample,
        title: String = "Sample",
        stock: Int = 10,
        limit: Int = 2,
        opensAt: Timestamp = .start,
        closesAt: Timestamp? = nil,
        window: Duration = .seconds(60)
    ) -> Sale {
        // Every argument in the suites is in its range.
        try! Sale(
            id: id,
            title: title,
            price: 1_000_000_000_000,
            currency: "EUR",
            stock: stock,
            limitPerUser: limit,
            opensAt: opensAt,
            closesAt: closesAt,
            paymentWindow: window
        )
    }
}

extension Timestamp {
    /// When checks that pass time in begin.
    static let start = Timestamp(milliseconds: 1_800_000_000_000)
}

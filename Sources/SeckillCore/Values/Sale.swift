/// What is sold, as the operator declared it.
public struct Sale: Hashable, Sendable {
    /// The years 0 to 9999: what ISO 8601 can write and no sum of times overflows.
    private static let moments =
        Timestamp(milliseconds: -62_167_219_200_000)...Timestamp(milliseconds: 253_402_300_799_999)

    /// Its name.
    public var id: SaleID
    /// What buyers read: 1 to 200 bytes, no control characters.
    public var title: String
    /// The price of one unit in the currency's minor units: 0 to 10^12.
    public var price: Int
    /// ISO 4217, three capital letters.
    public var currency: String
    /// Units declared at creation: 0 to 10^9. Restocks are kept beside it, in ``SaleRecord/stock``.
    public var stock: Int
    /// Live orders (queued, awaiting payment or paid) that one user may hold: 1 to 1,000.
    public var limitPerUser: Int
    /// The first moment at which it sells, in the years 0 to 9999.
    public var opensAt: Timestamp
    /// The first moment at which it no longer sells, in the years 0 to 9999; nil for never.
    public var closesAt: Timestamp?
    /// How long a buyer has to pay, counted from the ledger row: 1 to 10^7 s.
    public var paymentWindow: Duration

    /// A sale, or an error that names the first field out of its range.
    /// - Throws: ``SeckillError`` of code `invalid`.
    public init(
        id: SaleID,
        title: String,
        price: Int,
        currency: String = "USD",
        stock: Int,
        limitPerUser: Int = 1,
        opensAt: Timestamp,
        closesAt: Timestamp? = nil,
        paymentWindow: Duration = .seconds(900)
    ) throws {
        func require(_ fits: Bool, _ rule: String) throws {
            guard fits else { throw SeckillError(.invalid, rule) }
        }
        try require((1...200).contains(title.utf8.count), "title must be 1 to 200 bytes of UTF-8")
        try require(!title.hasControlCharacter, "title must not hold control characters")
        try require((0...1_000_000_000_000).contains(price), "price must be 0 to 10^12 minor units")
        try require(
            currency.utf8.count == 3 && currency.utf8.allSatisfy { (65...90).contains($0) },
            "currency must be three capital letters of ISO 4217"
        )
        try require((0...1_000_000_000).contains(stock), "stock must be 0 to 10^9")
        try require((1...1000).contains(limitPerUser), "limitPerUser must be 1 to 1000")
        try require(Self.moments.contains(opensAt), "opensAt must be in the years 0 to 9999")
        try require(closesAt.map { Self.moments.contains($0) } ?? true, "closesAt must be in the years 0 to 9999")
        try require(closesAt.map { $0 > opensAt } ?? true, "closesAt must be after opensAt")
        try require(
            paymentWindow >= .seconds(1) && paymentWindow <= .seconds(10_000_000),
            "paymentWindow must be 1 to 10^7 seconds"
        )
        self.id = id
        self.title = title
        self.price = price
        self.currency = currency
        self.stock = stock
        self.limitPerUser = limitPerUser
        self.opensAt = opensAt
        self.closesAt = closesAt
        self.paymentWindow = paymentWindow
    }
}

/// The operator's switch: `open` sells between `opensAt` and `closesAt`; `closed` is for ever.
public enum Admission: String, Hashable, Sendable {
    /// Sells while its times allow.
    case open
    /// Does not sell until resumed.
    case paused
    /// Never sells again.
    case closed
}

/// A sale as the ledger keeps it: the declaration and what has happened to it since.
public struct SaleRecord: Hashable, Sendable {
    /// The declaration, unchanged since creation.
    public var sale: Sale
    /// Units in all: those declared and every restock.
    public var stock: Int
    /// The operator's switch.
    public var admission: Admission
    /// The sale's epoch, of which the ledger alone is the authority. 0 until stock was first installed in a store.
    public var epoch: Int
    /// Raised by every change of the record that stores must learn of; they ignore what is older.
    public var revision: Int
    /// The highest sequence recorded in this epoch: a store that is behind it has lost something.
    public var sequence: Int
    /// Orders of this epoch that have a row.
    public var recorded: Int
    /// Orders of every epoch that have a row.
    public var orders: Int
    /// Units that the store was given when this epoch began.
    public var installed: Int
    /// The one store that may hold the sale; nil if none does, and the next that asks may.
    public var holder: StoreName?
    /// Counts the times that the holder was named.
    public var takeover: Int
    /// The epoch that began when an operator last accepted that this ledger lacks orders. Stores in an earlier one are
    /// not asked what they know.
    public var restoredEpoch: Int
    /// What the rows of its orders and returns add up to.
    public var totals: SaleTotals

    /// A record of `sale`; new ones need no more than that.
    public init(
        _ sale: Sale,
        stock: Int? = nil,
        admission: Admission = .open,
        epoch: Int = 0,
        revision: Int = 1,
        sequence: Int = 0,
        recorded: Int = 0,
        orders: Int = 0,
        installed: Int = 0,
        holder: StoreName? = nil,
        takeover: Int = 0,
        restoredEpoch: Int = 0,
        totals: SaleTotals? = nil
    ) {
        self.totals = totals ?? SaleTotals(stock: stock ?? sale.stock)
        self.recorded = recorded
        self.orders = orders
        self.installed = installed
        self.holder = holder
        self.takeover = takeover
        self.restoredEpoch = restoredEpoch
        self.sale = sale
        self.stock = stock ?? sale.stock
        self.admission = admission
        self.epoch = epoch
        self.revision = revision
        self.sequence = sequence
    }

    /// What a stock store must know to sell it.
    public var terms: SaleTerms {
        SaleTerms(
            sale: sale.id,
            limitPerUser: sale.limitPerUser,
            opensAt: sale.opensAt,
            closesAt: sale.closesAt,
            admission: admission,
            revision: revision
        )
    }
}

/// What a stock store checks beside the count: when, whether and how many for one user.
public struct SaleTerms: Hashable, Sendable {
    /// The sale.
    public var sale: SaleID
    /// Live orders that one user may hold.
    public var limitPerUser: Int
    /// The first moment at which it sells.
    public var opensAt: Timestamp
    /// The first moment at which it no longer sells.
    public var closesAt: Timestamp?
    /// The operator's switch.
    public var admission: Admission
    /// The revision of the ledger's record that these were read at.
    public var revision: Int

    /// Terms for one sale.
    public init(
        sale: SaleID,
        limitPerUser: Int,
        opensAt: Timestamp,
        closesAt: Timestamp?,
        admission: Admission,
        revision: Int
    ) {
        self.sale = sale
        self.limitPerUser = limitPerUser
        self.opensAt = opensAt
        self.closesAt = closesAt
        self.admission = admission
        self.revision = revision
    }
}

internal import SeckillCore

/// What a stock journal says, one byte in front of each entry. A number is never used again for something else.
enum StockEntry: UInt8 {
    /// A sale as journals before ``stock`` described it: without what its counts must add up to, so that it waits for a
    /// rebuild. Read, and not written any more.
    case sale = 1
    /// Adds users and their live orders to the sale described last.
    case users = 2
    /// Adds orders to the sale described last.
    case orders = 3
    /// Adds returns that are no order's to the sale described last.
    case returns = 4
    /// A unit was taken.
    case reservation = 5
    /// Units were given back.
    case giveBack = 6
    /// A sale's terms changed.
    case terms = 7
    /// A sale is not to be trusted until it is installed again.
    case distrust = 8
    /// Orders left the outbox: they are in the ledger, or were put aside.
    case settled = 9
    /// Describes a sale as a compaction found it: terms, epoch and counts.
    case stock = 10
    /// Names the ledger that the journal belongs to. The first entry of every file.
    case ledger = 11
    /// Begins the description of a sale that is to be installed. It replaces an earlier one that was not finished.
    case stage = 12
    /// Adds users and their live orders to a sale that is to be installed.
    case stagedUsers = 13
    /// Replaces everything said of a sale by what was staged.
    case installed = 14
    /// A sale is over for good and forgotten.
    case retired = 15
}

extension [UInt8] {
    mutating func append(ledger: LedgerID) {
        append(.ledger)
        append(text: ledger.text)
    }

    mutating func append(stock image: SaleStock.Image, isTrusted: Bool) {
        append(.stock)
        append(description: image, isTrusted: isTrusted)
    }

    mutating func append(stage image: SaleStock.Image) {
        append(.stage)
        append(description: image, isTrusted: true)
    }

    mutating func append(installed sale: SaleID, epoch: Int) {
        append(.installed)
        append(text: sale.text)
        append(varint: epoch)
    }

    private mutating func append(description image: SaleStock.Image, isTrusted: Bool) {
        append(terms: image.terms)
        append(varint: image.epoch)
        append(varint: image.remaining)
        append(varint: image.version)
        append(varint: image.aside)
        append(varint: image.ordersBefore)
        append(varint: image.returned)
        append(isTrusted ? 1 : 0)
    }

    mutating func append(usersOf image: SaleStock.Image, _ range: Range<Int>) {
        append(.users)
        append(users: image, range)
    }

    mutating func append(stagedUsersOf image: SaleStock.Image, _ range: Range<Int>) {
        append(.stagedUsers)
        append(text: image.terms.sale.text)
        append(users: image, range)
    }

    private mutating func append(users image: SaleStock.Image, _ range: Range<Int>) {
        append(varint: range.count)
        for number in range {
            image.orders.users.withBytes(of: number) { append(blob: $0) }
            append(signed: Int64(image.orders.live[number]))
        }
    }

    mutating func append(ordersOf image: SaleStock.Image, _ range: Range<Int>) {
        append(.orders)
        append(varint: range.count)
        var before: Int64 = 0
        for number in range {
            let row = image.orders.rows[number]
            image.orders.ids.withBytes(of: number) { append(blob: $0) }
            append(varint: Int(row.user))
            append(signed: row.reservedAt.milliseconds - before)
            append((row.isSettled ? 1 : 0) | (row.isReturned ? 2 : 0))
            before = row.reservedAt.milliseconds
        }
    }

    mutating func append(returnsOf image: SaleStock.Image, _ range: Range<Int>) {
        append(.returns)
        append(varint: range.count)
        for number in range {
            image.otherReturns.withBytes(of: number) { append(blob: $0) }
        }
    }

    mutating func append(reservationOf order: OrderID, for user: UserID, sequence: Int, at moment: Timestamp) {
        append(.reservation)
        append(text: order.text)
        append(text: user.text)
        append(varint: sequence)
        append(signed: moment.milliseconds)
    }

    mutating func append(giveBack units: StockReturn) {
        append(.giveBack)
        append(text: units.sale.text)
        append(varint: units.epoch)
        append(text: units.id)
        append(varint: units.units)
        append(text: units.user?.text ?? "")
    }

    mutating func append(newTerms terms: SaleTerms) {
        append(.terms)
        append(terms: terms)
    }

    mutating func append(distrust sale: SaleID, epoch: Int) {
        append(.distrust)
        append(text: sale.text)
        append(varint: epoch)
    }

    mutating func append(retired sale: SaleID, epoch: Int) {
        append(.retired)
        append(text: sale.text)
        append(varint: epoch)
    }

    mutating func append(settled sequences: [Int], of sale: SaleID, epoch: Int, aside: Bool) {
        append(.settled)
        append(text: sale.text)
        append(varint: epoch)
        append(aside ? 1 : 0)
        append(varint: sequences.count)
        for sequence in sequences { append(varint: sequence) }
    }

    private mutating func append(_ entry: StockEntry) { append(entry.rawValue) }

    private mutating func append(terms: SaleTerms) {
        append(text: terms.sale.text)
        append(varint: terms.limitPerUser)
        append(signed: terms.opensAt.milliseconds)
        append(terms.closesAt == nil ? 0 : 1)
        if let closesAt = terms.closesAt { append(signed: closesAt.milliseconds) }
        append(text: terms.admission.rawValue)
        append(varint: terms.revision)
    }
}

extension ByteReader {
    mutating func flag() throws(Malformed) -> Bool {
        let byte = try byte()
        guard byte <= 1 else { throw Malformed() }
        return byte == 1
    }

    mutating func epoch() throws(Malformed) -> Int {
        let epoch = try count()
        guard epoch <= StockSnapshot.maxEpoch else { throw Malformed() }
        return epoch
    }

    mutating func moment() throws(Malformed) -> Timestamp { Timestamp(milliseconds: try signed()) }

    mutating func sale() throws(Malformed) -> SaleID {
        guard let sale = SaleID(try text()) else { throw Malformed() }
        return sale
    }

    mutating func units() throws(Malformed) -> StockReturn {
        let sale = try sale()
        let epoch = try epoch()
        let id = try text()
        let units = try count()
        // Empty for a restock.
        let text = try text()
        let user = UserID(text)
        guard user != nil || text.isEmpty else { throw Malformed() }
        return StockReturn(id: id, sale: sale, epoch: epoch, units: units, user: user)
    }

    mutating func terms() throws(Malformed) -> SaleTerms {
        let sale = try sale()
        let limit = try count()
        let opensAt = try moment()
        let closesAt = try flag() ? try moment() : nil
        guard let admission = Admission(rawValue: try text()) else { throw Malformed() }
        return SaleTerms(
            sale: sale,
            limitPerUser: limit,
            opensAt: opensAt,
            closesAt: closesAt,
            admission: admission,
            revision: try count()
        )
    }

    mutating func stock() throws(Malformed) -> SaleStock {
        let terms = try terms()
        let epoch = try epoch()
        let remaining = try count()
        let version = try count()
        let aside = try count()
        let ordersBefore = try count()
        let returned = try count()
        let stock = SaleStock(
            restoring: terms,
            epoch: epoch,
            remaining: remaining,
            version: version,
            aside: aside,
            ordersBefore: ordersBefore,
            returned: returned
        )
        guard var stock else { throw Malformed() }
        stock.isTrusted = try flag()
        return stock
    }

    /// See ``StockEntry/sale``.
    mutating func earlierStock() throws(Malformed) -> SaleStock {
        let terms = try terms()
        let epoch = try epoch()
        let remaining = Int(try signed())
        let version = try count()
        let aside = try count()
        let isTrusted = try flag()
        let stock = SaleStock(
            restoring: terms,
            epoch: epoch,
            remaining: remaining,
            version: version,
            aside: aside,
            ordersBefore: 0,
            returned: 0
        )
        guard var stock else { throw Malformed() }
        stock.isTrusted = isTrusted
        return stock
    }

    /// A user and their live orders.
    mutating func holder() throws(Malformed) -> (UnsafeBufferPointer<UInt8>, live: Int) {
        let user = try blob()
        return (user, Int(try signed()))
    }
}

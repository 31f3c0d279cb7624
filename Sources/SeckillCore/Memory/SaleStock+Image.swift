extension SaleStock {
    /// Everything of a sale that is worth writing down: without indexes, and cheap to copy.
    package struct Image: Sendable {
        package let terms: SaleTerms
        package let epoch: Int
        package let remaining: Int
        package let version: Int
        package let aside: Int
        package let ordersBefore: Int
        package let returned: Int
        package let orders: SaleOrders.Contents
        package let otherReturns: ByteStrings

        package init(
            terms: SaleTerms,
            epoch: Int,
            remaining: Int,
            version: Int,
            aside: Int,
            ordersBefore: Int,
            returned: Int,
            orders: SaleOrders.Contents,
            otherReturns: ByteStrings
        ) {
            self.terms = terms
            self.epoch = epoch
            self.remaining = remaining
            self.version = version
            self.aside = aside
            self.ordersBefore = ordersBefore
            self.returned = returned
            self.orders = orders
            self.otherReturns = otherReturns
        }
    }

    package var image: Image {
        Image(
            terms: terms,
            epoch: epoch,
            remaining: remaining,
            version: version,
            aside: outbox.aside,
            ordersBefore: ordersBefore,
            returned: returned,
            orders: orders.contents,
            otherReturns: otherReturns.strings
        )
    }

    // MARK: Restoring from stored bytes

    /// No sale ever has more units, those of its restocks included.
    package static let maxUnits = 1_000_000_000

    /// More orders, or more units given back in one epoch, than any sale ever has.
    private static let maxRows = 1 << 53

    /// A sale without users, orders and returns: the functions below add them, in the order of the image. Nil if no
    /// store can have held such a sale.
    package init?(
        restoring terms: SaleTerms,
        epoch: Int,
        remaining: Int,
        version: Int,
        aside: Int,
        ordersBefore: Int,
        returned: Int
    ) {
        let versions = StockSnapshot.firstVersion(of: epoch)..<StockSnapshot.firstVersion(of: epoch + 1)
        guard (0...Self.maxUnits).contains(remaining), versions.contains(version), (0...Self.maxRows).contains(aside),
            (0...Self.maxRows).contains(ordersBefore), (0...Self.maxRows).contains(returned)
        else { return nil }
        self.init(terms, epoch: epoch, remaining: remaining, version: version, ordersBefore: ordersBefore)
        self.returned = returned
        outbox.aside = aside
    }

    // As those of ``SaleOrders``, the following functions return false, and change nothing, for what no store can have
    // written at that point.

    package mutating func restoreUser(_ bytes: UnsafeBufferPointer<UInt8>, live: Int) -> Bool {
        orders.restoreUser(bytes, live: live)
    }

    package mutating func restoreOrder(_ own: UnsafeBufferPointer<UInt8>, _ row: SaleOrders.Row) -> Bool {
        guard orders.restore(own, row) else { return false }
        if !row.isSettled { outbox.pending += 1 }
        skipSettled()
        return true
    }

    package mutating func restoreReturn(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let hash = ByteTable.hash(bytes)
        guard (1...OrderID.maxBytes).contains(bytes.count), otherReturns.number(of: bytes, hash: hash) == nil else {
            return false
        }
        otherReturns.insert(bytes, hash: hash)
        return true
    }

    /// Takes a unit for what was decided before.
    package mutating func restoreReservation(
        _ order: UnsafeBufferPointer<UInt8>,
        for user: UnsafeBufferPointer<UInt8>,
        sequence: Int,
        at moment: Timestamp
    ) -> Bool {
        guard isTrusted, remaining > 0, sequence == self.sequence + 1,
            orders.restore(order, for: user, at: moment, limitPerUser: terms.limitPerUser)
        else { return false }
        remaining -= 1
        outbox.pending += 1
        return true
    }
}

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

    // MARK: Back again

    /// A sale without users, orders and returns: the functions below add them, in the order of the image.
    package init(
        restoring terms: SaleTerms,
        epoch: Int,
        remaining: Int,
        version: Int,
        aside: Int,
        ordersBefore: Int = 0,
        returned: Int = 0
    ) {
        self.init(terms, epoch: epoch, remaining: remaining, version: version, ordersBefore: ordersBefore)
        self.returned = returned
        outbox.aside = aside
    }

    package mutating func restoreUser(_ bytes: UnsafeBufferPointer<UInt8>, live: Int32) {
        orders.appendUser(bytes, live: live)
    }

    package mutating func restoreOrder(_ own: UnsafeBufferPointer<UInt8>, _ row: SaleOrders.Row) {
        orders.append(own, row)
        if !row.isSettled { outbox.pending += 1 }
    }

    /// Takes a unit without asking, for what was decided before. False if the order is of another sale or epoch.
    package mutating func retake(
        _ order: UnsafeBufferPointer<UInt8>,
        for user: UnsafeBufferPointer<UInt8>,
        at moment: Timestamp
    ) -> Bool {
        guard orders.appendIfOwn(order, for: user, at: moment) else { return false }
        remaining -= 1
        outbox.pending += 1
        return true
    }

    package mutating func restoreReturn(_ bytes: UnsafeBufferPointer<UInt8>) {
        otherReturns.insert(bytes, hash: ByteTable.hash(bytes))
    }
}

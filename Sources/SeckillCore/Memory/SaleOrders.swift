/// The orders of one sale in one epoch, by id and in the order of their sequence, and the live orders of each user.
///
/// Ids are kept as bytes without what all of them share: about 100 bytes an order beside its own id and its user's. Ids
/// are hashed by their random part, which buyers cannot choose; users by a hash that they cannot know.
package struct SaleOrders: Sendable {
    /// What is known of one order beside its id.
    package struct Row: Sendable {
        package var user: UInt32
        /// No longer in the outbox.
        package var isSettled: Bool
        package var isReturned: Bool
        package var reservedAt: Timestamp

        package init(user: UInt32, reservedAt: Timestamp, isSettled: Bool = false, isReturned: Bool = false) {
            self.user = user
            self.isSettled = isSettled
            self.isReturned = isReturned
            self.reservedAt = reservedAt
        }
    }

    /// What is in it, without the indexes: cheap to copy and to write down.
    package struct Contents: Sendable {
        package let ids: ByteStrings
        package let rows: Chunked<Row>
        package let users: ByteStrings
        package let live: Chunked<Int32>
    }

    /// What the text of every order's id begins with.
    private let prefix: [UInt8]
    private var ids = ByteTable()
    private var rows = Chunked<Row>()
    private var users = ByteTable()
    private var live = Chunked<Int32>()

    package init(sale: SaleID, epoch: Int) { prefix = Array("\(sale).\(epoch).".utf8) }

    package var count: Int { rows.count }
    package var contents: Contents { Contents(ids: ids.strings, rows: rows, users: users.strings, live: live) }

    package subscript(sequence: Int) -> Row {
        get { rows[sequence - 1] }
        set { rows[sequence - 1] = newValue }
    }

    /// The sequence of the order whose id is `text`; nil if it is of another sale or epoch, or not known.
    package func sequence(of text: String) -> Int? {
        var text = text
        return text.withUTF8 { text in
            guard isOwn(text) else { return nil }
            let own = UnsafeBufferPointer(rebasing: text[prefix.count...])
            return ids.number(of: own, hash: Self.hash(ofID: own)).map { $0 + 1 }
        }
    }

    package func reservation(at sequence: Int) -> Reservation {
        let row = rows[sequence - 1]
        let own = ids.strings.text(of: sequence - 1)
        return Reservation(
            // Both were valid when they came in.
            order: OrderID(String(decoding: prefix, as: UTF8.self) + own)!,
            user: UserID(users.strings.text(of: Int(row.user)))!,
            sequence: sequence,
            reservedAt: row.reservedAt
        )
    }

    package func liveOrders(of user: UserID) -> Int {
        var text = user.text
        return text.withUTF8 { bytes in
            users.number(of: bytes, hash: ByteTable.hash(bytes)).map { Int(live[$0]) } ?? 0
        }
    }

    package mutating func setLiveOrders(of user: UserID, to count: Int) {
        var user = user.text
        live[user.withUTF8 { number(of: $0) }] = Int32(clamping: count)
    }

    /// Adds an order of this sale and epoch that is not known, and counts it for its user.
    package mutating func append(_ order: OrderID, for user: UserID, at moment: Timestamp) {
        var (order, user) = (order.text, user.text)
        order.withUTF8 { order in user.withUTF8 { user in append(order, for: user, at: moment) } }
    }

    private mutating func append(
        _ order: UnsafeBufferPointer<UInt8>,
        for user: UnsafeBufferPointer<UInt8>,
        at moment: Timestamp
    ) {
        let user = number(of: user)
        live[user] += 1
        append(UnsafeBufferPointer(rebasing: order[prefix.count...]), Row(user: UInt32(user), reservedAt: moment))
    }

    private mutating func number(of user: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = ByteTable.hash(user)
        if let known = users.number(of: user, hash: hash) { return known }
        live.append(0)
        return users.insert(user, hash: hash)
    }

    // MARK: Building it up again from its contents, in their order

    /// Adds an order as text. False if it is of another sale or epoch.
    package mutating func appendIfOwn(
        _ order: UnsafeBufferPointer<UInt8>,
        for user: UnsafeBufferPointer<UInt8>,
        at moment: Timestamp
    ) -> Bool {
        guard isOwn(order) else { return false }
        append(order, for: user, at: moment)
        return true
    }

    /// Adds a row and the part of the order's id that is its own.
    package mutating func append(_ own: UnsafeBufferPointer<UInt8>, _ row: Row) {
        rows.append(row)
        ids.insert(own, hash: Self.hash(ofID: own))
    }

    package mutating func appendUser(_ bytes: UnsafeBufferPointer<UInt8>, live count: Int32) {
        live.append(count)
        users.insert(bytes, hash: ByteTable.hash(bytes))
    }

    // MARK: Bytes

    private func isOwn(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.count > prefix.count && text.starts(with: prefix)
    }

    /// Fibonacci hashing of eight characters (Knuth, section 6.4).
    private static func hash(ofID own: UnsafeBufferPointer<UInt8>) -> UInt64 {
        own.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } &* 0x9E37_79B9_7F4A_7C15
    }
}

extension ByteTable {
    /// For strings that others may choose.
    package static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

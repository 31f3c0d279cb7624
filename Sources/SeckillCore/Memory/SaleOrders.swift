/// The orders of one sale in one epoch, by id and in the order of their sequence, and the live orders of each user.
///
/// Ids are kept as bytes without what all of them share: about 75 bytes an order beside its own id and its user's. Ids
/// are hashed by their random part, which buyers cannot choose; users by a hash that they cannot know.
package struct SaleOrders: Sendable {
    /// What is known of one order beside its id.
    package struct Row: Sendable {
        package var user: UInt32
        /// No longer in the outbox.
        package var isSettled: Bool
        package var isReturned: Bool
        /// How often it was handed to a consumer in this process, as far as the number goes.
        fileprivate var deliveries: UInt16 = 0
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
    private let epoch: Int
    private var ids = ByteTable()
    private var rows = Chunked<Row>()
    private var users = ByteTable()
    private var live = Chunked<Int32>()

    package init(sale: SaleID, epoch: Int) {
        prefix = Array("\(sale).\(epoch).".utf8)
        self.epoch = epoch
    }

    package var count: Int { rows.count }
    package var contents: Contents { Contents(ids: ids.strings, rows: rows, users: users.strings, live: live) }

    package subscript(sequence: Int) -> Row {
        get { rows[sequence - 1] }
        set { rows[sequence - 1] = newValue }
    }

    /// Counts one more delivery of an order, and returns how many there were.
    mutating func countDelivery(of sequence: Int) -> Int {
        let row = rows[sequence - 1].deliveries
        rows[sequence - 1].deliveries = row == .max ? .max : row + 1
        return Int(rows[sequence - 1].deliveries)
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

    /// A user and their hash, so that it can be had before any lock is.
    package struct Buyer: Sendable {
        fileprivate let text: String
        fileprivate let hash: UInt64

        package init(_ user: UserID) {
            var text = user.text
            hash = text.withUTF8 { ByteTable.hash($0) }
            self.text = text
        }
    }

    /// What the user is known by here; nil if they never came.
    package func number(of buyer: Buyer) -> Int? {
        var text = buyer.text
        return text.withUTF8 { users.number(of: $0, hash: buyer.hash) }
    }

    package mutating func add(_ buyer: Buyer) -> Int {
        var text = buyer.text
        return text.withUTF8 { add($0, hash: buyer.hash) }
    }

    private mutating func add(_ user: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
        live.append(0)
        return users.insert(user, hash: hash)
    }

    package func liveOrders(of user: Int) -> Int { Int(live[user]) }

    package mutating func setLiveOrders(of user: Int, to count: Int) { live[user] = Int32(clamping: count) }

    /// Adds an order of this sale and epoch that is not known, and counts it for its user.
    package mutating func append(_ order: OrderID, for user: Int, at moment: Timestamp) {
        var order = order.text
        order.withUTF8 { append($0, for: user, at: moment) }
    }

    private mutating func append(_ order: UnsafeBufferPointer<UInt8>, for user: Int, at moment: Timestamp) {
        live[user] += 1
        append(UnsafeBufferPointer(rebasing: order[prefix.count...]), Row(user: UInt32(user), reservedAt: moment))
    }

    /// Adds a row and the part of the order's id that is its own.
    private mutating func append(_ own: UnsafeBufferPointer<UInt8>, _ row: Row) {
        rows.append(row)
        ids.insert(own, hash: Self.hash(ofID: own))
    }

    // MARK: Restoring from stored bytes

    // The bytes come from a file. Each function returns false, and changes nothing, for bytes that the functions above
    // could not have led to: an id or a user that is not one, or is known already, a user number that nobody has.

    /// Adds an order that took its unit after the users and orders known so far.
    package mutating func restore(
        _ order: UnsafeBufferPointer<UInt8>,
        for user: UnsafeBufferPointer<UInt8>,
        at moment: Timestamp,
        limitPerUser: Int
    ) -> Bool {
        guard isOwn(order), Self.isStorable(moment), isNew(UnsafeBufferPointer(rebasing: order[prefix.count...]))
        else { return false }
        let hash = ByteTable.hash(user)
        if let number = users.number(of: user, hash: hash) {
            guard live[number] < min(limitPerUser, Int(Int32.max)) else { return false }
            append(order, for: number, at: moment)
        } else {
            guard limitPerUser > 0, UserID.isValid(user) else { return false }
            append(order, for: add(user, hash: hash), at: moment)
        }
        return true
    }

    /// Adds a row and the part of the order's id that is its own. The user's live orders are not counted.
    package mutating func restore(_ own: UnsafeBufferPointer<UInt8>, _ row: Row) -> Bool {
        guard row.user < users.count, Self.isStorable(row.reservedAt), isNew(own) else { return false }
        append(own, row)
        return true
    }

    /// Adds a user.
    package mutating func restoreUser(_ bytes: UnsafeBufferPointer<UInt8>, live count: Int) -> Bool {
        let hash = ByteTable.hash(bytes)
        guard let count = Int32(exactly: count), count >= 0, UserID.isValid(bytes),
            users.number(of: bytes, hash: hash) == nil
        else { return false }
        live.append(count)
        users.insert(bytes, hash: hash)
        return true
    }

    /// Whether the bytes are the own part of an order's id of this sale and epoch, and no order has it.
    private func isNew(_ own: UnsafeBufferPointer<UInt8>) -> Bool {
        // Epoch 0 has no orders: an id of it could not be read back.
        epoch > 0 && prefix.count + own.count <= OrderID.maxBytes && OrderID.isRandomAndMAC(own)
            && ids.number(of: own, hash: Self.hash(ofID: own)) == nil
    }

    /// Whether a clock can have shown it: what is subtracted from the time must not overflow.
    private static func isStorable(_ moment: Timestamp) -> Bool { moment.milliseconds.magnitude <= 1 << 53 }

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

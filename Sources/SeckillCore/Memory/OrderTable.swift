/// Reservations by order id, in the order of their sequence: an array, and an index of 32-bit places into it (open
/// addressing with linear probing, Fibonacci hashing; Knuth, The Art of Computer Programming 3, section 6.4).
///
/// A dictionary would hold every id twice and hash it anew whenever it grows; this one is several times faster to fill
/// and costs 8 to 16 bytes an order beside the row. Ids are hashed by their random part, which buyers cannot choose.
package struct OrderTable: Sendable {
    private var rows: ContiguousArray<Reservation> = []
    /// 0, or a row's place plus one. A power of two of them, at least twice as many as rows.
    private var slots: ContiguousArray<UInt32> = [0, 0]
    private var shift: UInt64 = 63

    package init() {}

    package var count: Int { rows.count }

    package subscript(order: OrderID) -> Reservation? {
        var slot = firstSlot(of: order)
        while slots[slot] != 0 {
            let row = Int(slots[slot]) - 1
            if rows[row].order == order { return rows[row] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a reservation whose order is not in the table.
    package mutating func insert(_ reservation: Reservation) {
        rows.append(reservation)
        if rows.count * 2 > slots.count { grow() } else { place(rows.count - 1) }
    }

    private mutating func grow() {
        shift -= 1
        slots = ContiguousArray(repeating: 0, count: slots.count * 2)
        for row in rows.indices { place(row) }
    }

    private mutating func place(_ row: Int) {
        var slot = firstSlot(of: rows[row].order)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(row + 1)
    }

    private func firstSlot(of order: OrderID) -> Int { Int((order.key &* 0x9E37_79B9_7F4A_7C15) >> shift) }
}

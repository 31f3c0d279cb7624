import GRDB
import Testing

extension ClientLog {
    /// Lets whoever got no answer post the same link again, in the same session, until they get one.
    func askAgain(on client: WebClient) async throws {
        for (order, entry) in unanswered {
            let isAnswered = try await eventually {
                try await post(order, entry.link, as: entry.buyer.on(client))
                return entries[order]?.isOpen == false
            }
            #expect(isAnswered)
        }
    }

    /// Compares a ledger with what the buyers know, all of whom have their answers.
    func expectRows(in ledger: String) async throws {
        let rows = try await DatabaseQueue(path: ledger).read { db in
            try Row.fetchAll(db, sql: "SELECT id, status FROM purchase").map {
                ($0["id"] as String, $0["status"] as String)
            }
        }
        let statuses = Dictionary(grouping: rows, by: \.0).mapValues { $0.map(\.1) }
        let entries = entries
        for (order, entry) in entries where entry.isAccepted {
            let status = statuses[order] ?? []
            #expect(status.count == 1, "\(order), which got a 202, has \(status.count) rows")
            if let settled = entry.settled { #expect(status == [settled], "\(order) was said to be \(settled)") }
        }
        let strangers = statuses.keys.filter { entries[$0]?.isAccepted != true }
        #expect(strangers.isEmpty, "\(strangers.count) orders are nobody's")
    }
}

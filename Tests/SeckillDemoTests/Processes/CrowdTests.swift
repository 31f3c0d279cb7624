import Foundation
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// What a crowd does to the real server, over real connections.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct CrowdTests {
    private static func sale(_ fields: String) -> [String] {
        ["--rate-limit", "off", "--sale", #"{"id":"tea","title":"Tea","price":100,\#(fields)}"#]
    }

    @Test(arguments: Mode.testable)
    func twoThousandBuyersForAHundredUnits(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.sale(#""stock":100"#)) {
            try await twoThousandBuyers(mode == .direct ? 500 : 2000, $0)
        }
    }

    private func twoThousandBuyers(_ crowd: Int, _ chain: Chain) async throws {
        let clients = try await chain.clients(500)
        let armed = try await (0..<crowd).concurrently { number in
            let buyer = try await Buyer("buyer \(number)", clients[number % clients.count])
            return (buyer, try await buyer.link("tea"))
        }
        let answers = try await armed.concurrently { buyer, link in try await buyer.post(link) }
        #expect(answers.count { $0.status == 202 } == 100)
        #expect(answers.count { $0.problem == .soldOut && $0["order"] != nil } == crowd - 100)
        #expect(Set(answers.filter { $0.status == 202 }.map { $0["sequence"].number }).count == 100)

        let shopkeeper = Operator(client: clients[0])
        let recorded = try await eventually {
            let report = try await shopkeeper.report("tea")
            return report["awaiting"] == 100 && report.accountsForAll
        }
        #expect(recorded)
        let report = try await shopkeeper.report("tea")
        #expect(report["remaining"] == 0 && report["rejected"] == 0)
    }

    @Test(arguments: Mode.queueing)
    func nobodyHoldsMoreThanTheLimitAndAllIsSold(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.sale(#""stock":60,"limitPerUser":2"#)) { try await fiveLinksEach($0) }
    }

    private func fiveLinksEach(_ chain: Chain) async throws {
        let clients = try await chain.clients(50)
        let buyers = try await (0..<40).concurrently { number in
            try await (0..<5).concurrently { link in
                let buyer = try await Buyer("buyer \(number)", clients[(number * 5 + link) % clients.count])
                return (number, buyer, try await buyer.link("tea"))
            }
        }
        let answers = try await buyers.joined().map { $0 }.concurrently { number, buyer, link in
            (number, try await buyer.post(link))
        }
        let sold = answers.filter { $0.1.status == 202 }
        #expect(sold.count == 60)
        #expect(Dictionary(grouping: sold, by: \.0).values.allSatisfy { $0.count <= 2 })
        #expect(answers.allSatisfy { $0.1.status == 202 || [.soldOut, .limitReached].contains($0.1.problem) })
    }

    @Test(arguments: Mode.queueing)
    func aLinkIsOneOrderAndNobodyElses(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.sale(#""stock":10,"limitPerUser":5"#)) { try await oneLink($0) }
    }

    private func oneLink(_ chain: Chain) async throws {
        let clients = try await chain.clients(50)
        let alice = try await Buyer("alice", clients[0])
        let bob = try await Buyer("bob", clients[1])
        let link = try await alice.link("tea")

        #expect(try await bob.send(.post, link).problem == .badLink)
        let start = link.lastIndex(of: "/")!
        for index in link.indices where index > start {
            for other in ["A", "B", "0", ".", "-", "_"] where String(link[index]) != other {
                let altered = link.replacingCharacters(in: index...index, with: other)
                #expect(try await alice.send(.post, altered).problem == .badLink, "\(altered)")
            }
        }
        for altered in [link + "A", String(link.dropLast()), link + "=", link.replacing("tea.1.", with: "te%61.1.")] {
            let answer = try await alice.send(.post, altered)
            // Escaped, it is the same link.
            #expect(answer.problem == (altered.contains("%") ? nil : .badLink))
        }
        let shopkeeper = Operator(client: clients[2])
        #expect(try await shopkeeper.report("tea")["remaining"] == 9)

        let answers = try await clients.concurrently { client in
            try await alice.on(client).post(link)
        }
        #expect(answers.allSatisfy { $0.status == 202 })
        #expect(Set(answers.map { $0["order"].text }).count == 1)
        #expect(try await shopkeeper.report("tea")["remaining"] == 9)
    }

    @Test(arguments: Mode.queueing)
    func whatNobodyPaysIsSoldAgain(_ mode: Mode) async throws {
        try await Chain.open(mode, Self.sale(#""stock":20,"paymentWindow":6"#)) { try await nobodyPays($0) }
    }

    private func nobodyPays(_ chain: Chain) async throws {
        let clients = try await chain.clients(20)
        func buyAll(_ round: String) async throws -> [Answer] {
            try await (0..<20).concurrently { number in
                try await Buyer("\(round) \(number)", clients[number]).buy("tea")
            }
        }
        #expect(try await buyAll("first").allSatisfy { $0.status == 202 })
        #expect(try await buyAll("early").allSatisfy { $0.problem == .soldOut })
        let shopkeeper = Operator(client: clients[0])
        let back = try await eventually { try await shopkeeper.report("tea")["remaining"] == 20 }
        #expect(back)
        #expect(try await buyAll("second").allSatisfy { $0.status == 202 })
        let recorded = try await eventually {
            let report = try await shopkeeper.report("tea")
            return report["awaiting"] == 20 && report.accountsForAll
        }
        #expect(recorded)
        #expect(try await shopkeeper.report("tea")["expired"] == 20)
    }
}

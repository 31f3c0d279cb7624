import Crypto
import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct ChallengeTests {
    private let front: Storefront
    private let alice: HTTPFields

    init() async throws {
        front = try await Storefront.selling(stock: 100, more: #","limitPerUser":1000"#) {
            $0.asksChallenge = true
            $0.workBits = 6
            $0.rateLimit = nil
        }
        alice = try await front.logIn("alice")
    }

    private func ask(_ kind: String = "captcha", as buyer: HTTPFields) async throws -> Answer {
        try await front.send(.post, "/api/sales/tea/challenge", #"{"kind":"\#(kind)"}"#, buyer)
    }

    private func link(_ question: Answer, _ answer: String, as buyer: HTTPFields) async throws -> Answer {
        let id = try #require(question["id"].text)
        return try await front.send(
            .post,
            "/api/sales/tea/link",
            #"{"challenge":"\#(id)","answer":"\#(answer)"}"#,
            buyer
        )
    }

    @Test func theDrawnSumOpensTheWay() async throws {
        let question = try await ask(as: alice)
        #expect(question.status == 200 && question.json.names == ["id", "svg"])
        #expect(question.fields[.cacheControl] == "no-store")
        let answer = try #require(front.book.last)
        let granted = try await link(question, answer, as: alice)
        #expect(granted.status == 200)
        #expect(try await front.send(.post, granted["href"].text!, nil, alice).status == 202)
    }

    @Test func soDoesWork() async throws {
        let question = try await ask("work", as: alice)
        #expect(question.json.names == ["id", "bits", "prefix"] && question["bits"] == 6)
        let prefix = try #require(question["prefix"].text)
        let number = (0..<100_000).first { number in
            Array(SHA256.hash(data: Array("\(prefix)\(number)".utf8)))[0] < 4
        }
        #expect(try await link(question, "\(number!)", as: alice).status == 200)
    }

    @Test func noLinkWithoutAnAnswer() async throws {
        for body in ["{}", #"{"challenge":"x"}"#, #"{"answer":"1"}"#, #"{"challenge":"x","answer":"1"}"#] {
            #expect(try await front.send(.post, "/api/sales/tea/link", body, alice).problem == .challengeFailed)
        }
    }

    @Test func answeredTwiceByAnotherOrLateIsRefused() async throws {
        let bob = try await front.logIn("bob")
        let aliceElsewhere = try await front.logIn("alice")
        let question = try await ask(as: alice)
        let answer = try #require(front.book.last)
        #expect(try await link(question, answer, as: bob).problem == .challengeFailed)
        #expect(try await link(question, answer, as: aliceElsewhere).problem == .challengeFailed)
        #expect(try await link(question, answer, as: alice).status == 200)
        #expect(try await link(question, answer, as: alice).problem == .challengeFailed)

        let late = try await ask(as: alice)
        let lateAnswer = try #require(front.book.last)
        front.clock.advance(by: .seconds(120))
        #expect(try await link(late, lateAnswer, as: alice).problem == .challengeFailed)

        let tried = try await ask(as: alice)
        let triedAnswer = try #require(front.book.last)
        for _ in 0..<3 { #expect(try await link(tried, "-1", as: alice).problem == .challengeFailed) }
        #expect(try await link(tried, triedAnswer, as: alice).problem == .challengeFailed)
    }

    @Test func badQuestionsAreRefused() async throws {
        #expect(try await ask(as: [:]).problem == .noSession)
        #expect(try await ask("riddle", as: alice).problem == .badRequest)
        #expect(try await front.send(.post, "/api/sales/tea/challenge", "{}", alice).problem == .badRequest)
        let unknown = try await front.send(.post, "/api/sales/none/challenge", #"{"kind":"work"}"#, alice)
        #expect(unknown.problem == .noSale)
    }

    @Test func withoutChallengesThereIsNothingToAsk() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let answer = try await front.send(.post, "/api/sales/tea/challenge", #"{"kind":"captcha"}"#, alice)
        #expect(answer.problem == .notFound)
    }
}

import Foundation
import HTTPTypes
import NIOCore
import SeckillCore
import SeckillTesting
import ServiceLifecycle
import Testing

@testable import SeckillDemo

struct ConnectionGuardTests {
    private func talk(_ text: String) async throws -> [String] {
        try await Storefront().whileServing { port, _ in
            let heard = try await RawConnection.talk(to: port, text)
            return heard.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0) }
        }
    }

    private static let marks = String(repeating: "\u{301}", count: 129)
    private static let ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let askLast = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test func aHeadThatIsTooLargeIsAProblem() async throws {
        for head in [
            "GET /\(String(repeating: "a", count: 17_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 300_000))\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n" + (0..<300).map { "X\($0): a\r\n" }.joined() + "\r\n",
        ] {
            let answers = try await talk(head)
            #expect(answers.count == 1)
            #expect(answers[0].hasPrefix("431 ") && answers[0].contains(#""code":"head_too_large""#))
            #expect(answers[0].contains("application/problem+json") && answers[0].contains("Connection: close"))
        }
    }

    @Test func theAnswersBeforeARefusalComeFirst() async throws {
        let answers = try await talk(
            Self.ask + Self.ask + "GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n"
        )
        #expect(answers.map { $0.prefix(3) } == ["200", "200", "431"])
    }

    @Test func requestsOfOneConnectionAreAnsweredInTurn() async throws {
        let answers = try await talk(Self.ask + "GET /nope HTTP/1.1\r\nHost: a\r\n\r\n" + Self.askLast + Self.ask)
        #expect(answers.map { $0.prefix(3) } == ["200", "404", "200"])
    }

    @Test(arguments: [
        "GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", askLast,
        "GET /health HTTP/1.1\r\nHost: a\r\nConnection: Close, x\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    ])
    func theLastAnswerClosesTheConnection(_ request: String) async throws {
        let answers = try await talk(request)
        #expect(answers.count == 1)
        #expect(answers[0].hasPrefix("200 ") && answers[0].contains("Connection: close"))
    }

    @Test(arguments: [
        "\0\u{1}\r\n\r\n", "NOPE / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /api/sales/\0 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /api/sales/é HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\u{1}: a\r\n\r\n", "POST /api/session HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /api/session HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: a\(marks)\r\n\r\n", "GET / HTTP/1.1\r\nHost: \(marks)\r\n\r\n",
        "POST /api/session HTTP/1.1\r\nHost: a\r\nOrigin: \(marks)\r\nContent-Length: 2\r\n\r\n{}",
    ])
    func whatIsNoHTTPIsRefused(_ text: String) async throws {
        let answers = try await talk(text)
        #expect(answers.count == 1)
        #expect(answers[0].hasPrefix("400 ") && answers[0].contains(#""code":"bad_request""#))
    }

    @Test func aBodyThatBreaksOffIsNotTakenForTheWhole() async throws {
        var limits = ConnectionGuard.Limits()
        limits.arrival = .milliseconds(100)
        let front = try await Storefront.selling(stock: 1)
        let head = "POST /admin/sales/tea/restock HTTP/1.1\r\nAuthorization: Bearer \(Storefront.token)\r\n"
        try await front.whileServing(limits: limits) { port, _ in
            for body in [
                "Content-Length: 100\r\n\r\n{\"add\":5}",
                "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"add\":5}\r\n",
                "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"add\":5}\r\nnonsense\r\n",
            ] {
                let heard = try await RawConnection.talk(to: port, head + body)
                #expect(heard.hasPrefix("HTTP/1.1 408 ") || heard.hasPrefix("HTTP/1.1 400 "))
                let gone = try await RawConnection(to: port)
                try await gone.send(head + body)
                await gone.close()
            }
            let client = try await WebClient.connect(to: port)
            #expect(try await client.send(.get, "/api/sales/tea")["stock"] == 1)
            await client.close()
        }
        #expect(try await front.send(.get, "/api/sales/tea")["stock"] == 1)
    }

    @Test func aBodyThatIsTooLargeDoesNotEndTheConnection() async throws {
        let chunk = "4000\r\n\(String(repeating: "a", count: 0x4000))\r\n"
        for body in [
            "Content-Length: 20000\r\n\r\n" + String(repeating: "a", count: 20_000),
            "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n",
        ] {
            for path in ["/api/session", "/api/sales/a/purchase/b", "/nope"] {
                let answers = try await talk("POST \(path) HTTP/1.1\r\nHost: a\r\n" + body + Self.askLast)
                #expect(answers.map { $0.prefix(3) } == ["413", "200"])
                #expect(answers[0].contains(#""code":"too_large""#))
            }
        }
    }

    @Test func aClientThatAsksWhetherToSendIsTold() async throws {
        let answers = try await Storefront().whileServing { port, _ in
            let connection = try await RawConnection(to: port)
            let head = "POST /api/session HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n"
            try await connection.send(head + "Content-Length: 12\r\n\r\n")
            try await connection.send(#"{"user":"a"}"#)
            return try await connection.heardAtTheEnd()
        }
        #expect(answers.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 "))
    }

    @Test func atShutdownWhatIsAskedIsAnswered() async throws {
        let heard = try await Storefront().whileServing { port, server in
            let idle = try await RawConnection(to: port)
            let asking = try await RawConnection(to: port)
            try await asking.send("GET /health HTTP/1.1\r\n")
            // By its answer, the server has surely seen the two before it.
            let client = try await WebClient.connect(to: port)
            #expect(try await client.send(.get, "/health").status == 200)
            await server.triggerGracefulShutdown()
            try await asking.send("Host: a\r\n\r\n")
            // A client that goes on asking is answered until it has been told to stop.
            let told = try await eventually { try await client.send(.get, "/health").fields[.connection] == "close" }
            #expect(told)
            await #expect(throws: (any Error).self) { try await client.send(.get, "/health") }
            #expect(try await idle.heardAtTheEnd().isEmpty)
            return try await asking.heardAtTheEnd()
        }
        #expect(heard.hasPrefix("HTTP/1.1 200 "))
    }
}

import ArgumentParser
import Testing

@testable import SeckillLoad

struct TargetTests {
    private func target(_ url: String, remote: Bool = false) throws -> Target {
        try Target(url, sale: "s", adminToken: nil, isRemoteAllowed: remote)
    }

    @Test(arguments: ["http://127.0.0.1:8080", "http://127.1.2.3/", "http://localhost:1", "http://[::1]:8080"])
    func thisMachineMayBeLoaded(_ url: String) throws { _ = try target(url) }

    @Test(arguments: [
        "http://example.com", "http://10.0.0.1:80", "http://127.0.0.1.example.com", "http://localhost.example.com",
        "http://127.0.0.256",
    ])
    func othersOnlyIfAllowed(_ url: String) throws {
        let error = #expect(throws: ValidationError.self) { try target(url) }
        #expect(error?.message.contains("--allow-remote --allow-remote") == true)
        _ = try target(url, remote: true)
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "https://localhost", "http://", "http://localhost/path", "http://u@localhost",
    ])
    func whatIsNoAddressIsSaid(_ url: String) {
        #expect(throws: ValidationError.self) { try target(url, remote: true) }
    }

    @Test func saidOnceIsNotEnough() throws {
        let once = try #require(try SeckillLoad.parseAsRoot(["http://example.com", "--allow-remote"]) as? Rehearse)
        #expect(throws: ValidationError.self) { try once.options.target(once.url) }
        let twice = ["http://example.com", "--allow-remote", "--allow-remote"]
        let command = try #require(try SeckillLoad.parseAsRoot(twice) as? Rehearse)
        #expect(try command.options.target(command.url).host == "example.com")
    }
}

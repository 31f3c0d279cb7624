import Foundation
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// A headless Chromium, driven by the W3C WebDriver protocol through the chromedriver that Scripts/browser-test starts.
final class Browser: Sendable {
    /// The port of the driver; nil where there is none, and then the tests are not run.
    static let driver = ProcessInfo.processInfo.environment["SECKILL_WEBDRIVER"].flatMap { Int($0) }
    /// Where screenshots go; nil for nowhere.
    private static let gallery = ProcessInfo.processInfo.environment["SECKILL_SCREENSHOTS"]

    struct Failure: Error { var what: String }

    enum Screen {
        case phone, narrow, desktop

        var size: (width: Int, height: Int) {
            switch self {
            case .phone: (390, 844)
            case .narrow: (360, 640)
            case .desktop: (1280, 900)
            }
        }
    }

    private let client: WebClient
    private let session: String
    private let shop: String
    /// Called between two looks at a page: moves the shop's clock.
    private let pass: @Sendable () -> Void

    private init(_ client: WebClient, _ session: String, _ shop: String, _ pass: @escaping @Sendable () -> Void) {
        (self.client, self.session, self.shop, self.pass) = (client, session, shop, pass)
    }

    /// A browser for `body`, with nothing in it, at the shop on `port`.
    static func with(
        _ screen: Screen = .phone,
        at port: Int,
        clock: @escaping @Sendable () -> Void,
        _ body: (Browser) async throws -> Void
    ) async throws {
        let client = try await WebClient.connect(to: try #require(driver))
        let (width, height) = screen.size
        let phone = """
            ,"mobileEmulation":{"deviceMetrics":{"width":\(width),"height":\(height),"pixelRatio":2}}
            """
        let wish = """
            {"capabilities":{"alwaysMatch":{"goog:loggingPrefs":{"browser":"ALL"},"goog:chromeOptions":{
            "args":["--headless=new","--no-sandbox","--disable-gpu","--hide-scrollbars","--disable-dev-shm-usage",
            "--window-size=\(width),\(height)"]\(screen == .desktop ? "" : phone)}}}}
            """
        var made = try await client.send(.post, "/session", wish)
        // On a busy machine a browser may take longer to start than its driver waits.
        if made.status != 200 { made = try await client.send(.post, "/session", wish) }
        let id = try #require(made["value"]["sessionId"].text, "no browser: \(made.text.prefix(500))")
        let browser = Browser(client, "/session/\(id)", "http://127.0.0.1:\(port)", clock)
        do {
            try await body(browser)
        } catch {
            await browser.close()
            throw error
        }
        await browser.close()
    }

    private func close() async {
        _ = try? await client.send(.delete, session)
        await client.close()
    }

    @discardableResult
    private func call(_ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let text = body.map { String(decoding: $0.bytes, as: UTF8.self) }
        let answer = try await client.send(method, session + path, text ?? (method == .post ? "{}" : nil))
        guard answer.status == 200 else { throw Failure(what: "\(path): \(answer.text.prefix(600))") }
        return answer["value"]
    }

    private func element(_ selector: String) async throws -> String {
        let found = try await call(.post, "/element", ["using": "css selector", "value": .string(selector)])
        guard case .object(let members) = found, let id = members.first?.value.text else {
            throw Failure(what: "no \(selector)")
        }
        return id
    }

    func open(_ path: String) async throws { try await call(.post, "/url", ["url": .string(shop + path)]) }

    func click(_ selector: String) async throws { try await call(.post, "/element/\(element(selector))/click") }

    func type(_ text: String, into selector: String) async throws {
        try await call(.post, "/element/\(element(selector))/value", ["text": .string(text)])
    }

    /// Presses keys, wherever the focus is.
    func press(_ keys: String) async throws {
        let actions = keys.flatMap { key -> [JSON] in
            ["keyDown", "keyUp"].map { ["type": .string($0), "value": .string(String(key))] }
        }
        let source: JSON = ["type": "key", "id": "keyboard", "actions": .array(actions)]
        try await call(.post, "/actions", ["actions": .array([source])])
    }

    static let tab = "\u{E004}"
    static let enter = "\u{E007}"

    /// What the script `return`s.
    func evaluate(_ expression: String) async throws -> JSON {
        try await call(.post, "/execute/sync", ["script": .string("return " + expression), "args": .array([])])
    }

    /// The text of an element, as it is seen.
    func text(_ selector: String) async throws -> String {
        try await call(.get, "/element/\(element(selector))/text").text ?? ""
    }

    /// Looks at the page until `expression` holds, while the shop's time goes on.
    func waits(for expression: String, _ location: SourceLocation = #_sourceLocation) async throws {
        let holds = try await eventually(within: .seconds(30)) {
            pass()
            return try await evaluate(expression) == .bool(true)
        }
        guard !holds else { return }
        Issue.record("not so: \(expression); console: \(try await console())", sourceLocation: location)
        throw Failure(what: expression)
    }

    /// Waits until `text` is seen in `selector`.
    func sees(_ text: String, in selector: String, _ location: SourceLocation = #_sourceLocation) async throws {
        let quoted = String(decoding: JSON.string(text).bytes, as: UTF8.self)
        try await waits(
            for: """
                [...document.querySelectorAll('\(selector)')].some(e => e.checkVisibility() && e.textContent.includes(\(quoted)))
                """,
            location
        )
    }

    /// What the browser complained of since the last call, but for answers that are no success.
    func console() async throws -> [String] {
        let log = try await call(.post, "/se/log", ["type": "browser"]).elements ?? []
        return log.compactMap { $0["message"].text }.filter {
            !$0.contains("the server responded with a status of") && !$0.contains("Password forms should have")
        }
    }

    func command(_ name: String, _ parameters: JSON) async throws -> JSON {
        try await call(.post, "/goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    func turn(dark isDark: Bool) async throws {
        let feature: JSON = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
        _ = try await command("Emulation.setEmulatedMedia", ["features": .array([feature])])
    }

    /// Takes pictures of the page, light and dark, if anybody wants them.
    func photograph(_ name: String) async throws {
        guard let gallery = Self.gallery else { return }
        for isDark in [true, false] {
            try await turn(dark: isDark)
            let shot = try await command("Page.captureScreenshot", ["captureBeyondViewport": .bool(true)])
            guard let data = shot["data"].text.flatMap({ Data(base64Encoded: $0) }) else { continue }
            try data.write(to: URL(fileURLWithPath: "\(gallery)/\(name)-\(isDark ? "dark" : "light").png"))
        }
    }

    /// What a screen reader has no name for, of all that can be seen and used.
    func nameless() async throws -> [String] {
        let controls = "a[href], button, input, select, [role=img], [role=timer]"
        let found =
            try await call(.post, "/elements", ["using": "css selector", "value": .string(controls)]).elements ?? []
        var nameless: [String] = []
        for case .object(let members) in found {
            guard let id = members.first?.value.text,
                try await call(.get, "/element/\(id)/displayed") == .bool(true),
                try await call(.get, "/element/\(id)/computedlabel").text?.isEmpty ?? true
            else { continue }
            let role = try await call(.get, "/element/\(id)/computedrole").text ?? ""
            if role != "timer" {
                nameless.append("\(role) \(try await call(.get, "/element/\(id)/property/outerHTML"))")
            }
        }
        return nameless
    }
}

import Foundation
import HTTPClient
import TestRig
import Testing

/// Headless Chromium, driven over WebDriver (W3C) by Debian's chromedriver.
final class Browser: Sendable {
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/chromedriver")

    private let driver: ChildProcess
    private let http = CurlClient()
    private let base: String
    private let session: String

    struct Failed: Error, CustomStringConvertible { let description: String }

    init(width: Int = 1_280, height: Int = 800) async throws {
        var started: (driver: ChildProcess, port: Substring)?
        var said = ""
        // It takes a free port of IPv4, and finds the same one of IPv6 taken now and then.
        for _ in 0..<5 where started == nil {
            let driver = try ChildProcess("/usr/bin/chromedriver", ["--port=0"])
            for await line in driver.lines {
                guard let port = line.firstMatch(of: /started successfully on port (\d+)/)?.1 else { continue }
                started = (driver, port)
                break
            }
            said = driver.standardError
        }
        guard let (driver, port) = started else { throw Failed(description: "chromedriver did not start: \(said)") }
        self.driver = driver
        base = "http://127.0.0.1:\(port)"
        let options: [String: Any] = [
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=\(width),\(height)", "--hide-scrollbars", "--force-device-scale-factor=1",
            ]
        ]
        let answer = try await Self.call(
            http, base + "/session",
            ["capabilities": ["alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": options]]])
        guard let id = (answer as? [String: Any])?["sessionId"] as? String else {
            throw Failed(description: "no session: \(answer)")
        }
        session = "/session/\(id)"
    }

    /// Nil `body`: GET.
    private static func call(_ http: CurlClient, _ url: String, _ body: [String: Any]?) async throws -> Any {
        var request = HTTPRequest(body == nil ? .get : .post, url, timeout: .seconds(60), most: 16 << 20)
        if let body {
            request.headers = ["Content-Type: application/json"]
            request.body = Array(try JSONSerialization.data(withJSONObject: body))
        }
        let response = try await http.send(request)
        let answer = try JSONSerialization.jsonObject(with: Data(response.body), options: .fragmentsAllowed)
        guard response.status == 200, let members = answer as? [String: Any] else {
            throw Failed(description: "\(url): \(response.status) \(answer)")
        }
        return members["value"] ?? NSNull()
    }

    @discardableResult
    private func call(_ path: String, _ body: [String: Any]? = nil) async throws -> Any {
        try await Self.call(http, base + session + path, body)
    }

    func open(_ url: String) async throws { try await call("/url", ["url": url]) }

    /// The value of an expression in the page.
    @discardableResult
    func value<Value>(_ expression: String, as type: Value.Type = Value.self) async throws -> Value {
        let value = try await call("/execute/sync", ["script": "return \(expression)", "args": [Any]()])
        guard let value = value as? Value else { throw Failed(description: "\(expression) is \(value)") }
        return value
    }

    /// Waits, inside the page, until an expression is true: each change of the page looks again.
    func wait(until expression: String, _ location: SourceLocation = #_sourceLocation) async throws {
        let script = """
            const done = arguments[0], test = () => { try { return \(expression) } catch { return false } };
            if (test()) return done(true);
            const watch = new MutationObserver(() => { if (test()) { watch.disconnect(); done(true); } });
            watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
            setTimeout(() => done(false), 20000);
            """
        let isTrue = try await call("/execute/async", ["script": script, "args": [Any]()]) as? Bool
        #expect(isTrue == true, "\(expression)", sourceLocation: location)
    }

    func text(_ id: String) async throws -> String { try await value("document.getElementById('\(id)').textContent") }

    /// Types on the keyboard, to whatever has the focus; `\u{E004}` is Tab, `\u{E007}` Enter, `\u{E00C}` Escape.
    func type(_ keys: String) async throws {
        let actions = keys.flatMap { [["type": "keyDown", "value": "\($0)"], ["type": "keyUp", "value": "\($0)"]] }
        try await call("/actions", ["actions": [["type": "key", "id": "keyboard", "actions": actions]]])
    }

    private func element(_ selector: String) async throws -> String {
        let found = try await call("/element", ["using": "css selector", "value": selector])
        guard let id = (found as? [String: String])?.values.first else { throw Failed(description: selector) }
        return id
    }

    /// What assistive technology is told of an element.
    func role(of selector: String) async throws -> String {
        try await call("/element/\(element(selector))/computedrole") as? String ?? ""
    }
    func label(of selector: String) async throws -> String {
        try await call("/element/\(element(selector))/computedlabel") as? String ?? ""
    }

    /// Stores a picture where `KAZASHI_SCREENSHOTS` says; nowhere without it.
    func screenshot(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["KAZASHI_SCREENSHOTS"],
            let text = try await call("/screenshot") as? String, let png = Data(base64Encoded: text)
        else { return }
        try png.write(to: URL(filePath: "\(folder)/\(name).png"))
    }

    /// Ends the browser, and its driver.
    func stop() async {
        _ = try? await http.send(HTTPRequest(.get, base + "/shutdown", timeout: .seconds(10)))
        await driver.stop()
    }
}

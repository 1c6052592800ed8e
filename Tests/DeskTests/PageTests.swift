import Announcement
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import SecurityEvents
import Testing

/// The staff's display in a real browser.
@Suite(
    "The staff's display in Chromium", .serialized, .timeLimit(.minutes(5)),
    .enabled(if: Browser.isInstalled, "needs Debian's chromium-driver; board/requirements installs it"))
struct PageTests {
    private let table: Tabletop
    private let desk: Recipient
    private let page: DeskPage

    init() throws {
        table = try Tabletop()
        table.set(Int64(time(nil)))
        desk = try table.desk()
        page = try DeskPage(counter: desk.counter)
    }

    private func present(_ ppid: String, serviceID: String? = nil, jti: TokenID? = nil) async throws {
        let answer = try await desk.receive(table.token(Tabletop.presented(ppid, serviceID: serviceID), jti: jti))
        #expect(answer.isDuplicate == false)
    }

    /// Puts a record into the desk's table as staff does: by presenting and registering.
    private func register(_ ppid: String, _ record: PatronRecord) async throws {
        let jti = try TokenID()
        try await present(ppid, jti: jti)
        var number = 0
        for await presented in desk.counter.presences() {
            number = presented?.number ?? 0
            break
        }
        #expect(try await desk.counter.register(record, number: number))
        _ = try await desk.receive(table.token(.kiosk(.presenceEnded(jti))))
    }

    private func withBrowser(_ body: (Browser, String) async throws -> Void) async throws {
        let url = "http://127.0.0.1:\(try await page.start())/"
        let browser = try await Browser()
        do {
            try await body(browser, url)
        } catch {
            await browser.stop()
            throw error
        }
        await browser.stop()
        await page.stop()
    }

    @Test("Each state is shown at once, in both languages, and clears itself")
    func states() async throws {
        try await register("KNOWN", PatronRecord(cardNumber: "20260000000017", displayName: "図書 花子", notes: "予約 2 冊"))
        try await register(
            "ELSEWHERE", PatronRecord(cardNumber: nil, displayName: "本山 太郎", elsewhere: "隣の市立図書館"))
        try await withBrowser { browser, url in
            try await browser.open(url)
            try await browser.wait(until: "document.getElementById('link').textContent === '接続中'")
            #expect(try await browser.text("standing") == "カードをお待ちしています")
            #expect(try await browser.value("document.documentElement.lang") == "ja")
            try await browser.screenshot("idle-ja")

            let known = try TokenID()
            try await present("KNOWN", jti: known)
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'known'")
            #expect(try await browser.text("name") == "図書 花子")
            #expect(try await browser.text("number") == "20260000000017")
            #expect(try await browser.text("notes") == "予約 2 冊")
            #expect(try await browser.value("document.getElementById('registration').hidden") == true)
            try await browser.screenshot("known-ja")
            // The patron takes the card: nothing of them is left in the page.
            _ = try await desk.receive(table.token(.kiosk(.presenceEnded(known))))
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'idle'")
            let html: String = try await browser.value("document.documentElement.outerHTML")
            #expect(!html.contains("花子") && !html.contains("20260000000017") && !html.contains("KNOWN"))

            try await present("ELSEWHERE")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'elsewhere'")
            #expect(try await browser.text("standing").contains("隣の市立図書館"))
            try await browser.screenshot("elsewhere-ja")

            try await present("UNKNOWN", serviceID: "20260000000024")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'unknown'")
            #expect(try await browser.value("document.querySelector('[name=card_number]').value") == "20260000000024")
            try await browser.screenshot("unknown-ja")

            // No pseudonym goes to a browser, whatever is shown.
            #expect(try await !browser.value("document.documentElement.outerHTML", as: String.self).contains("UNKNOWN"))

            try await browser.open(url + "?lang=en")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'unknown'")
            #expect(try await browser.text("standing") == "Not registered here: register now")
            try await browser.screenshot("unknown-en")
            try await present("KNOWN")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'known'")
            #expect(try await browser.text("standing") == "Registered patron")
            try await browser.screenshot("known-en")
        }
    }

    @Test("A patron is registered by the keyboard alone, even while the next one presents a card")
    func keyboard() async throws {
        try await withBrowser { browser, url in
            try await browser.open(url)
            let jti = try TokenID()
            try await present("NEW", jti: jti)
            try await browser.wait(until: "!document.getElementById('registration').hidden")
            // The language's button is first, then the form's fields in order.
            try await browser.type("\u{E004}")
            #expect(try await browser.value("document.activeElement.id") == "language")
            try await browser.type("\u{E004}")
            #expect(try await browser.value("document.activeElement.name") == "card_number")
            try await browser.type("20260000000031")
            // The card is taken while staff writes, and the next patron comes.
            _ = try await desk.receive(table.token(.kiosk(.presenceEnded(jti))))
            try await present("NEXT")
            try await browser.wait(until: "document.getElementById('next').textContent !== ''")
            #expect(try await browser.value("document.querySelector('[name=card_number]').value") == "20260000000031")
            try await browser.type("\u{E004}Hanako\u{E004}two holds\u{E004}")
            #expect(try await browser.value("document.activeElement.type") == "submit")
            let outline: String = try await browser.value("getComputedStyle(document.activeElement).outlineStyle")
            #expect(outline == "solid", "the focus is seen")
            try await browser.screenshot("registering-ja")
            try await browser.type("\u{E007}")
            // Stored; then whoever stands there now is shown.
            try await browser.wait(until: "document.querySelector('[name=card_number]').value === ''")
            try await present("NEW")
            try await browser.wait(until: "document.getElementById('name').textContent === 'Hanako'")
            #expect(try await browser.text("number") == "20260000000031")

            // What staff began and leaves with Escape is gone.
            try await present("NEXT2")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'unknown'")
            try await browser.value("document.querySelector('[name=display_name]').focus() ?? true", as: Bool.self)
            try await browser.type("half\u{E00C}")
            #expect(try await browser.value("document.querySelector('[name=display_name]').value") == "")
            // Whoever is not there any more can't be registered: staff is told.
            try await browser.type("late")
            try await present("NEXT3")
            desk.counter.clearStale(now: .now + .seconds(600))
            try await browser.value(
                "(document.querySelector('[name=card_number]').value = '1', document.querySelector('[type=submit]').click(), true)",
                as: Bool.self)
            try await browser.wait(until: "document.getElementById('problem').textContent.includes('もう一度カードを')")
            try await browser.screenshot("gone-ja")
        }
    }

    @Test("A screen reader is told who is there and what each field is; contrast and size serve an arm's length")
    func accessible() async throws {
        try await register("KNOWN", PatronRecord(cardNumber: "20260000000017", displayName: "図書 花子"))
        try await withBrowser { browser, url in
            try await browser.open(url + "?lang=en")
            try await present("UNKNOWN")
            try await browser.wait(until: "!document.getElementById('registration').hidden")
            for (name, label) in [
                ("card_number", "Library card number"), ("display_name", "Display name"), ("notes", "Notes"),
            ] {
                #expect(try await browser.label(of: "[name=\(name)]") == label)
                #expect(try await browser.role(of: "[name=\(name)]") == "textbox")
            }
            #expect(try await browser.role(of: "#standing") == "heading")
            #expect(try await browser.label(of: "[type=submit]") == "Register")
            #expect(try await browser.role(of: "#problem") == "alert")
            // What appears is spoken as a whole and at once; the big mark is for eyes only.
            #expect(try await browser.value("document.getElementById('card').ariaLive") == "assertive")
            #expect(try await browser.value("document.getElementById('card').ariaAtomic") == "true")
            #expect(try await browser.value("document.getElementById('mark').ariaHidden") == "true")

            try await present("KNOWN")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'known'")
            for id in ["name", "number"] {
                let size: Double = try await browser.value(
                    "parseFloat(getComputedStyle(document.getElementById('\(id)')).fontSize)")
                // 12 mm on a 24-inch screen: 20 minutes of arc at two metres.
                #expect(size >= 44, "\(id) is \(size) px")
            }
            // WCAG 2.2, 1.4.6: 7 to 1, on every ground that the page has.
            let worst: Double = try await browser.value(Self.contrast)
            #expect(worst >= 7, "contrast \(worst)")
            // A narrow window shows all of it without scrolling sideways.
            let overflow: Bool = try await browser.value("document.documentElement.scrollWidth > innerWidth")
            #expect(!overflow)
        }
    }

    /// The least contrast of all text that is seen, in each state, against its ground.
    private static let contrast = """
        (() => {
          const lum = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map((v) => { v /= 255;
            return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126*r + .7152*g + .0722*b; };
          const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (!c.endsWith(', 0)')) return c; } return 'rgb(255,255,255)'; };
          let worst = 21; const card = document.getElementById('card'), before = card.dataset.standing;
          for (const state of ['idle', 'known', 'elsewhere', 'unknown', 'offline']) { card.dataset.standing = state;
            for (const e of document.querySelectorAll('h1,h2,p,label,button,input')) {
              const [a, b] = [lum(getComputedStyle(e).color), lum(ground(e))].sort((x, y) => y - x);
              worst = Math.min(worst, (a + .05) / (b + .05)); } }
          card.dataset.standing = before; return worst; })()
        """

    @Test("When the desk goes away nothing stays on the display, and it says so")
    func offline() async throws {
        try await register("KNOWN", PatronRecord(cardNumber: "20260000000017", displayName: "図書 花子"))
        try await withBrowser { browser, url in
            try await browser.open(url)
            try await present("KNOWN")
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'known'")
            await page.stop()
            try await browser.wait(until: "document.getElementById('card').dataset.standing === 'offline'")
            #expect(try await browser.text("name") == "")
            #expect(try await browser.text("number") == "")
            try await browser.screenshot("offline-ja")
        }
    }
}

/// The page's server, without a browser.
@Suite(.timeLimit(.minutes(1))) struct PageServerTests {
    private let table: Tabletop
    private let desk: Recipient
    private let http = CurlClient()

    init() throws {
        table = try Tabletop()
        desk = try table.desk()
    }

    @Test("Another host name, another origin, a form, or an unknown number register nobody")
    func guarded() async throws {
        let page = try DeskPage(counter: desk.counter)
        let port = try await page.start()
        _ = try await desk.receive(table.token(Tabletop.presented()))
        func post(_ headers: [String], _ body: String, path: String = "register") async throws -> Int {
            try await http.send(
                HTTPRequest(.post, "http://127.0.0.1:\(port)/\(path)", headers: headers, body: Array(body.utf8))
            ).status
        }
        let json = "Content-Type: application/json"
        let good = #"{"number":1,"card_number":"17","display_name":"n","notes":""}"#
        #expect(try await post([json, "Host: desk.example:\(port)"], good) == 403)
        #expect(try await post([json, "Origin: https://evil.example"], good) == 403)
        #expect(try await post(["Content-Type: text/plain"], good) == 400)
        #expect(try await post([json], "{}") == 400)
        #expect(try await post([json], #"{"number":1,"card_number":" ","display_name":"n","notes":""}"#) == 400)
        #expect(try await post([json], String(repeating: "x", count: 10_000)) == 400)
        #expect(try await post([json], good.replacing(#""number":1"#, with: #""number":2"#)) == 404)
        #expect(try await post([json], "{}", path: "hold") == 400)
        #expect(try await post([json, "Origin: http://127.0.0.1:\(port)"], good) == 204)
        let root = try await http.send(HTTPRequest(.get, "http://127.0.0.1:\(port)/", most: 100_000))
        #expect(root.status == 200)
        #expect(root.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        await page.stop()
    }
}

@testable import Desk
import FlyingSocks
import SecurityEvents
import Testing

/// What a browser is sent that does not read for a while.
@Suite(.timeLimit(.minutes(1))) struct PresenceEventsTests {
    @Test("A stalled browser gets the newest state: no comment takes the place of the event that clears the page")
    func stalled() async throws {
        let (presences, continuation) = AsyncStream<Presented?>.makeStream()
        var events = PresenceEvents(presences, pulse: .milliseconds(1)).makeAsyncIterator()
        func next() async throws -> String {
            String(decoding: try #require(try await events.nextBuffer(suggested: 1)), as: UTF8.self)
        }
        continuation.yield(Presented(number: 1, kiosk: "k", standing: .unknown))
        var text = try await next()
        while text.hasPrefix(":") { text = try await next() }
        #expect(text.hasPrefix(#"data: {"#))
        // The card is taken; a hundred comments are due before the browser reads again.
        continuation.yield(nil)
        try await Task.sleep(for: .milliseconds(100))
        text = try await next()
        while text.hasPrefix(":") { text = try await next() }
        #expect(text == "data: null\n\n")
        #expect(try await next() == ": here\n\n")
        continuation.finish()
    }

    @Test("A browser that went away leaves nothing behind: who was listened to has no listener any more")
    func gone() async throws {
        let (presences, continuation) = AsyncStream<Presented?>.makeStream()
        let (ended, end) = AsyncStream<Void>.makeStream()
        continuation.onTermination = { _ in end.finish() }
        do {
            var events = PresenceEvents(presences, pulse: .milliseconds(1)).makeAsyncIterator()
            #expect(try await events.nextBuffer(suggested: 1) != nil)
        }
        for await _ in ended {}
    }

    @Test("The page clears by itself whom no end of a stay was told of")
    func clearing() async throws {
        let table = try Tabletop()
        let desk = try table.desk()
        let page = try DeskPage(counter: desk.counter, now: { .now + Counter.longest })
        _ = try await page.start()
        var shown = desk.counter.presences().makeAsyncIterator()
        _ = await shown.next()
        _ = try await desk.receive(table.token(Tabletop.presented("P"), jti: TokenID()))
        #expect(try #require(await shown.next()) != nil)
        #expect(try #require(await shown.next()) == nil)
        await page.stop()
    }

    @Test("What the page is told of whom the library's own system knows, and where it does not answer")
    func wire() throws {
        func told(_ system: SystemAnswer?) throws -> String {
            PresenceEvents.json(
                Presented(number: 1, kiosk: "k", standing: .unknown, cardNumber: "17", system: system))
        }
        let answer = Array("64              00120261127    100000000000000000000000000000AO|AA17|AE".utf8)
        for (fields, isValid) in [("n|BLY|AFm|", true), ("n|BLN|AFm|", false), ("n|AFm|", true)] {
            let information = try #require(PatronInformation(answer + Array(fields.utf8), cardNumber: "17"))
            let text = try told(.answered(information))
            #expect(text.contains(#""failed":false"#) && text.contains(#""valid":\#(isValid)"#), "\(text)")
            #expect(text.contains(#""name":"n""#) && text.contains(#""message":"m""#), "\(text)")
        }
        let failed = try told(.failed)
        #expect(failed.contains(#""failed":true"#) && failed.contains(#""valid":false"#), "\(failed)")
        #expect(try !told(nil).contains("system") && PresenceEvents.json(nil) == "null")
    }
}

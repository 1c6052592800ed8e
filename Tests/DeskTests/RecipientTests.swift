import Cryptography
@testable import Desk
import Foundation
import JOSE
import SecurityEvents
import Synchronization
import Testing

/// A kiosk and a desk without a network between, and a clock that a test sets.
final class Tabletop: Sendable {
    let kiosk, library, acknowledgement: SigningKey
    let shared: SharedKey
    let clock = Mutex<Int64>(1_795_285_200)
    var now: Int64 { clock.withLock { $0 } }
    let file: String

    init() throws {
        kiosk = SigningKey(try P256PrivateKey.generate())
        library = SigningKey(try P256PrivateKey.generate())
        acknowledgement = SigningKey(try P256PrivateKey.generate())
        shared = try SharedKey.generate()
        file = FileManager.default.temporaryDirectory.appending(path: "kazashi-desk-\(UUID().uuidString)").path()
    }

    deinit {
        for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + ending) }
    }

    func set(_ time: Int64) { clock.withLock { $0 = time } }

    func desk(disabled: Bool = false, window: Int64 = 10, direct: Bool = false, inMemory: Bool = true) throws
        -> Recipient
    {
        try Recipient(
            verifier: TokenVerifier(
                audience: "aud", keys: direct ? [] : [library],
                kiosks: [
                    KnownKiosk(
                        id: "kiosk", key: direct ? .shared(shared) : .signing(kiosk.publicJWK), isDisabled: disabled)
                ], window: window),
            acknowledger: direct ? .shared : .signing(acknowledgement), file: inMemory ? nil : file,
            now: { self.now })
    }

    /// Claims with some members of their own; nil takes one out.
    func claims(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> [UInt8] {
        var members: [String: Any] = [
            "iss": "kiosk", "aud": "aud", "iat": now, "toe": now, "jti": try TokenID().text,
            "sub_id": ["format": "iss_sub", "iss": "p", "sub": "PPID"], "events": ["urn:kazashi:presented": [:]],
        ]
        change(&members)
        return Array(try JSONSerialization.data(withJSONObject: members))
    }

    func nested(_ payload: [UInt8], type: String = "secevent+jwt", key: SigningKey? = nil) throws -> [UInt8] {
        try PreparedAgreement(with: library.publicJWK).seal(JWS.sign(payload, type: type, key: key ?? kiosk))
    }

    func direct(_ payload: [UInt8], type: String = "secevent+jwt", key: SharedKey? = nil) throws -> [UInt8] {
        try (key ?? shared).seal(payload, type: type)
    }

    func token(_ event: SecurityEvent, jti: TokenID? = nil) throws -> [UInt8] {
        let claims = EventClaims(
            iss: "kiosk", aud: "aud", iat: now, toe: now, jti: try jti ?? TokenID(), event: event)
        return try nested(try claims.encoded())
    }

    static func presented(_ ppid: String = "PPID", serviceID: String? = nil) -> SecurityEvent {
        .person(
            .presented(serviceID: serviceID.map { Confidential($0) }),
            SubjectIdentifier(issuer: "p", subject: ppid))
    }
}

extension Recipient.Answer {
    var error: PushError? { if case .failure(let error) = result { error } else { nil } }
    var isDuplicate: Bool? { if case .success(let event) = result { event.isDuplicate } else { nil } }
}

@Suite(.timeLimit(.minutes(2))) struct RecipientTests {
    private let table: Tabletop

    init() throws { table = try Tabletop() }

    @Test("Each check has its name, in both suites; only what proved who it is from is answered with a signature")
    func names() async throws {
        let impostor = SigningKey(try P256PrivateKey.generate(), keyID: table.kiosk.keyID)
        let stranger = SigningKey(try P256PrivateKey.generate())
        let forger = try SharedKey(try SecureRandom.shared.secret(32), keyID: table.shared.keyID)
        let (nested, direct) = (try table.desk(), try table.desk(direct: true))
        /// The change of the claims, the refusal, and whether its sender is certain.
        let changes: [((inout [String: Any]) -> Void, PushError, Bool)] = [
            ({ $0["iss"] = "other" }, .invalidIssuer, false),
            // More than a receiver takes, and good otherwise.
            ({ $0["more"] = String(repeating: "x", count: 1_000) }, .invalidRequest, false),
            ({ $0["aud"] = "else" }, .invalidAudience, true),
            ({ $0["aud"] = ["aud"] }, .invalidRequest, false),
            ({ $0["events"] = ["urn:kazashi:unheard-of": [:]] }, .invalidRequest, true),
            ({ $0["events"] = [:] }, .invalidRequest, false),
            ({ $0["events"] = ["urn:kazashi:presented": [:], "urn:kazashi:removed": [:]] }, .invalidRequest, false),
            ({ $0["events"] = ["urn:kazashi:presented": ["card": "1"]] }, .invalidRequest, true),
            ({ $0["events"] = ["urn:kazashi:withdrawn": ["jti": "short"]] }, .invalidRequest, true),
            ({ $0["events"] = ["urn:kazashi:card-left": [:]] }, .invalidRequest, true),
            ({ $0["sub_id"] = nil }, .invalidRequest, true),
            ({ $0["sub_id"] = ["format": "iss_sub", "iss": "p", "sub": "PPID", "uri": "x"] }, .invalidRequest, true),
            ({ $0["sub_id"] = ["format": "opaque", "iss": "p", "sub": "PPID"] }, .invalidRequest, true),
            ({ $0["sub"] = "x" }, .invalidRequest, false),
            ({ $0["exp"] = 1 }, .invalidRequest, false),
            ({ $0["jti"] = "short" }, .invalidRequest, false),
            ({ $0["jti"] = nil }, .invalidRequest, false),
            ({ $0["iat"] = self.table.now - 11 }, .staleIssueTime, true),
            ({ $0["iat"] = self.table.now + 6 }, .staleIssueTime, true),
            ({ $0["iat"] = Int64.max }, .invalidRequest, true),
            ({ $0["iat"] = Int64.min }, .invalidRequest, true),
            ({ $0["iat"] = "now" }, .invalidRequest, false),
        ]
        for (index, (change, error, answered)) in changes.enumerated() {
            let claims = try table.claims(change)
            for (desk, token) in [(nested, try table.nested(claims)), (direct, try table.direct(claims))] {
                let answer = try await desk.receive(token)
                #expect(answer.error == error, "change \(index)")
                #expect((desk.acknowledgement(of: answer) != nil) == answered, "change \(index)")
            }
        }
        let good = try table.claims()
        let others: [(Recipient, [UInt8], PushError, Bool)] = [
            (nested, Array("x".utf8), .invalidRequest, false),
            (nested, [], .invalidRequest, false),
            (nested, [UInt8](repeating: 0x41, count: 1_453), .invalidRequest, false),
            (nested, try table.nested(good, key: impostor), .authenticationFailed, false),
            (nested, try table.nested(good, key: stranger), .invalidKey, false),
            (nested, try PreparedAgreement(with: stranger.publicJWK).seal([1]), .invalidKey, false),
            (nested, try PreparedAgreement(with: table.library.publicJWK).seal([1]), .invalidRequest, false),
            (nested, try table.direct(good), .invalidKey, false),
            (nested, try JWS.sign(good, type: "secevent+jwt", key: table.kiosk), .invalidRequest, false),
            (nested, try table.nested(good, type: "JWT"), .invalidRequest, true),
            (direct, try table.direct(good, type: "kazashi-ack+jwt"), .invalidRequest, true),
            (direct, try table.direct(good, key: forger), .invalidKey, false),
            (direct, try table.nested(good), .invalidKey, false),
            (try table.desk(disabled: true), try table.nested(good), .accessDenied, true),
        ]
        for (index, (desk, token, error, answered)) in others.enumerated() {
            let answer = try await desk.receive(token)
            #expect(answer.error == error, "case \(index)")
            #expect((desk.acknowledgement(of: answer) != nil) == answered, "case \(index)")
        }
    }

    @Test("Where two things are wrong, the earlier check names it")
    func order() async throws {
        let stranger = SigningKey(try P256PrivateKey.generate(), keyID: table.kiosk.keyID)
        let desk = try table.desk()
        let stale = try table.claims {
            $0["aud"] = "else"
            $0["iat"] = self.table.now - 600
        }
        let cases: [([UInt8], PushError)] = [
            // Bound to `iss` before the signature, the signature before `typ`, `typ` before `aud`, `aud` before `iat`.
            (try table.nested(table.claims { $0["iss"] = "other" }, key: stranger), .invalidIssuer),
            (try table.nested(table.claims(), type: "JWT", key: stranger), .authenticationFailed),
            (try table.nested(stale, type: "JWT"), .invalidRequest),
            (try table.nested(stale), .invalidAudience),
        ]
        for (index, (token, error)) in cases.enumerated() {
            #expect(try await desk.receive(token).error == error, "case \(index)")
        }
        #expect(try await table.desk(disabled: true).receive(table.nested(stale)).error == .accessDenied)
        // The number before the event: a seen one is answered as it was, whatever it says now.
        let id = try TokenID().text
        #expect(try await desk.receive(table.nested(table.claims { $0["jti"] = id })).isDuplicate == false)
        let other = try table.claims {
            $0["jti"] = id
            $0["sub_id"] = nil
        }
        #expect(try await desk.receive(table.nested(other)).isDuplicate == true)
    }

    @Test("Truncated and altered tokens are refused, without a trap")
    func altered() async throws {
        let (nested, direct) = (try table.desk(), try table.desk(direct: true))
        for (desk, token) in [(nested, try table.nested(table.claims())), (direct, try table.direct(table.claims()))] {
            for count in stride(from: 0, to: token.count, by: 7) {
                #expect(try await desk.receive(Array(token.prefix(count))).error != nil)
            }
            for index in stride(from: 0, to: token.count, by: 5) {
                var changed = token
                changed[index] ^= 1
                #expect(try await desk.receive(changed).error != nil)
            }
        }
    }

    @Test("A duplicate is answered as if it were new and told apart; the window is kept, and is the configuration's")
    func duplicate() async throws {
        let desk = try table.desk()
        let token = try table.nested(table.claims())
        #expect(try await desk.receive(token).isDuplicate == false)
        table.set(table.now + 10)
        #expect(try await desk.receive(token).isDuplicate == true)
        // Held back beyond its window it is nothing.
        table.set(table.now + 1)
        #expect(try await desk.receive(token).error == .staleIssueTime)
        let patient = try table.desk(window: 60)
        #expect(try await patient.receive(token).isDuplicate == false)
    }

    @Test("A refusal is repeated too: the same answer to the same number")
    func refusedTwice() async throws {
        let desk = try table.desk()
        let id = try TokenID().text
        let strange = try table.nested(
            table.claims {
                $0["jti"] = id
                $0["events"] = ["urn:kazashi:unheard-of": [:]]
            })
        #expect(try await desk.receive(strange).error == .invalidRequest)
        #expect(try await desk.receive(table.nested(table.claims { $0["jti"] = id })).error == .invalidRequest)
    }

    @Test("The replay cache outlives a restart; what may be forgotten is")
    func restart() async throws {
        let token = try table.nested(table.claims())
        let owed = try table.token(.person(.removed, SubjectIdentifier(issuer: "p", subject: "PPID")))
        for round in 0..<3 {
            let desk = try table.desk(inMemory: false)
            #expect(try await desk.receive(token).isDuplicate == (round > 0))
            #expect(try await desk.receive(owed).isDuplicate == (round > 0))
            desk.prune()
        }
        // Owed events are remembered for 35 days, whatever is forgotten meanwhile.
        let start = table.now
        table.set(start + 34 * 86_400)
        let desk = try table.desk(inMemory: false)
        desk.prune()
        let claims = try #require(try? claims(in: owed))
        let again = EventClaims(
            iss: "kiosk", aud: "aud", iat: table.now, toe: start, jti: claims.jti,
            event: .person(.removed, SubjectIdentifier(issuer: "p", subject: "PPID")))
        #expect(try await desk.receive(table.nested(again.encoded())).isDuplicate == true)
    }

    private func claims(in token: [UInt8]) throws -> ReceivedClaims {
        let inner = try UnopenedJWE(token).opened(with: table.library.key).withBytes { Array($0) }
        return try UnverifiedJWS(inner).verified(under: table.kiosk.key.publicKey).withUnsafeBytes {
            try ReceivedClaims(json: $0)
        }
    }

    @Test("What is withdrawn is taken off the display, and is never shown when it comes later")
    func withdrawn() async throws {
        let desk = try table.desk()
        var shown = desk.counter.presences().makeAsyncIterator()
        #expect(await shown.next() == .some(nil))
        let (first, second) = (try TokenID(), try TokenID())
        _ = try await desk.receive(table.token(Tabletop.presented(), jti: first))
        #expect(await shown.next()??.number == 1)
        _ = try await desk.receive(table.token(.kiosk(.withdrawn(first))))
        #expect(await shown.next() == .some(nil))
        // The other way round: the withdrawal overtakes what it is about.
        _ = try await desk.receive(table.token(.kiosk(.withdrawn(second))))
        #expect(try await desk.receive(table.token(Tabletop.presented(), jti: second)).isDuplicate == true)
        _ = try await desk.receive(table.token(Tabletop.presented()))
        #expect(await shown.next()??.number == 2, "nothing was shown between")
    }

    @Test("The end of a presence clears the display, that of an earlier one does not; an old one clears itself")
    func presenceEnded() async throws {
        let desk = try table.desk()
        var shown = desk.counter.presences().makeAsyncIterator()
        _ = await shown.next()
        let (first, second) = (try TokenID(), try TokenID())
        _ = try await desk.receive(table.token(Tabletop.presented("A"), jti: first))
        #expect(await shown.next()??.number == 1)
        _ = try await desk.receive(table.token(Tabletop.presented("B"), jti: second))
        #expect(await shown.next()??.number == 2)
        _ = try await desk.receive(table.token(.kiosk(.presenceEnded(first))))
        for await presented in desk.counter.presences() {
            #expect(presented?.number == 2, "another one's end")
            break
        }
        _ = try await desk.receive(table.token(.kiosk(.presenceEnded(second))))
        #expect(await shown.next() == .some(nil))
        _ = try await desk.receive(table.token(Tabletop.presented("C")))
        #expect(await shown.next()??.number == 3)
        desk.counter.clearStale(now: .now + .seconds(59))
        desk.counter.clearStale(now: .now + Counter.longest)
        #expect(await shown.next() == .some(nil))
    }

    @Test("Whom staff writes about is kept for three minutes, though the card is gone, and no longer")
    func held() async throws {
        for (seconds, isKept) in [(179, true), (180, false)] {
            let desk = try table.desk()
            var shown = desk.counter.presences().makeAsyncIterator()
            _ = await shown.next()
            let jti = try TokenID()
            _ = try await desk.receive(table.token(Tabletop.presented("P", serviceID: nil), jti: jti))
            let presented = try #require(await shown.next() ?? nil)
            let before = ContinuousClock.now
            desk.counter.hold(presented.number)
            let after = ContinuousClock.now
            _ = try await desk.receive(table.token(.kiosk(.presenceEnded(jti))))
            desk.counter.clearStale(now: (isKept ? before : after) + .seconds(seconds))
            let record = PatronRecord(cardNumber: "2026", displayName: "Test")
            #expect(try await desk.counter.register(record, number: presented.number) == isKept)
        }
    }

    @Test("A pseudonym that takes another's place takes its record along")
    func replaced() async throws {
        let desk = try table.desk()
        var shown = desk.counter.presences().makeAsyncIterator()
        _ = await shown.next()
        _ = try await desk.receive(table.token(Tabletop.presented("OLD", serviceID: "2026")))
        let unknown = try #require(await shown.next() ?? nil)
        #expect(unknown.standing == .unknown && unknown.cardNumber == "2026")
        let record = PatronRecord(cardNumber: "2026", displayName: "Test")
        #expect(try await desk.counter.register(record, number: unknown.number))
        #expect(await shown.next()??.standing == .known(record))
        #expect(try await desk.counter.register(record, number: 77) == false)
        let event = SecurityEvent.person(
            .replaced(previous: Confidential("OLD")), SubjectIdentifier(issuer: "p", subject: "NEW"))
        #expect(try await desk.receive(table.token(event)).isDuplicate == false)
        _ = try await desk.receive(table.token(Tabletop.presented("NEW")))
        #expect(await shown.next()??.standing == .known(record))
    }

    @Test("Claims, events and receipts print nothing of anybody")
    func descriptions() async throws {
        let event = Tabletop.presented("PPID-IDENTITY", serviceID: "2026-IDENTITY")
        let claims = EventClaims(iss: "k", aud: "a", iat: 0, toe: 0, jti: try TokenID(), event: event)
        let answer = try await table.desk().receive(table.token(event))
        for text in ["\(event)", "\(claims)", String(reflecting: event), "\(answer)", String(reflecting: claims)] {
            #expect(!text.contains("IDENTITY"), "\(text)")
        }
        var dumped = ""
        dump(answer, to: &dumped)
        #expect(!dumped.contains("IDENTITY"))
    }
}

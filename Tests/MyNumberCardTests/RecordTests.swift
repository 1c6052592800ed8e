import CardText
import Cryptography
import Login
import MyNumberCard
import TestPKI
import Testing
import VirtualCard

/// One test hierarchy for the suites of this file: making its keys takes longer than everything else.
private struct Fixture: Sendable {
    let issuers: TestIssuers
    let cardKey: RSAPrivateKey
    static let shared = Result { try Fixture(issuers: TestIssuers(now: 1_767_225_600), cardKey: RSAPrivateKey()) }

    func anchors(test: Bool = true, denied: Set<[UInt8]> = []) throws -> CardAnchors {
        var anchors = CardAnchors(allowsTest: test, denied: denied)
        let id = try #require(KeyIdentifier(issuers.visual.identifier))
        try anchors.add(id, use: .visual, key: issuers.visual.key.publicKey)
        let text = try #require(KeyIdentifier(issuers.text.identifier))
        try anchors.add(text, use: .text, key: issuers.text.key.publicKey)
        return anchors
    }

    var cvCertificate: [UInt8] { get throws { try issuers.visual.cvCertificate(for: issuers.municipality) } }
    func ageRecord(_ date: String = "19800217") throws -> [UInt8] {
        try issuers.municipality.ageRecord(birthDate: date, cardKey: cardKey.publicKey)
    }

    /// A challenge with the card's honest answer, or another key's.
    func answer(by key: RSAPrivateKey? = nil) throws -> UnverifiedChallengeAnswer {
        let challenge = try CardChallenge(for: Presence(number: 1))
        let signature = try (key ?? cardKey).signPadded(challenge.digestInfo)
        return challenge.answered(signature)
    }
}

@Suite struct BirthDateTests {
    @Test(
        "The era's year as printed",
        arguments: [
            ("1980-02-17", "550217"), ("1912-07-30", "010730"), ("1926-12-24", "151224"), ("1926-12-25", "011225"),
            ("1989-01-07", "640107"), ("1989-01-08", "010108"), ("2019-04-30", "310430"), ("2019-05-01", "010501"),
            ("2026-11-21", "081121"),
        ])
    func eras(date: String, key: String) throws {
        let digits = try #require(BirthDate(date)?.eraKey)
        #expect(digits.secret.matches(Array(key.utf8)))
    }

    @Test("Before Taishō no rule is known: the record must bring its key")
    func meiji() { #expect(BirthDate("1912-07-29")?.eraKey == nil) }

    @Test("No date", arguments: ["", "1980-2-17", "1980/02/17", "19800217", "1980-13-01", "1980-02-32", "abcd-ef-gh"])
    func noDate(text: String) { #expect(BirthDate(text) == nil) }

    @Test("No key", arguments: ["", "55021", "5502177", "55021a"])
    func noKey(text: String) { #expect(BirthDateKey(text) == nil) }

    @Test("A birth date prints nothing")
    func silent() throws {
        let date = try #require(BirthDate("1980-02-17"))
        #expect(!"\(date) \(String(reflecting: date)) \([date])".contains("80"))
    }
}

@Suite struct InternalAuthenticationTests {
    private func fixture() throws -> Fixture { try Fixture.shared.get() }

    private func issuer(_ anchors: CardAnchors) throws -> RecordIssuerKey {
        try CVCertificate(fixture().cvCertificate).verified(under: anchors, use: .visual)
    }

    @Test("A genuine card is proven, by pinned key and at first sight")
    func proven() throws {
        let (fixture, anchors) = (try fixture(), try fixture().anchors())
        let record = try AgeRecord(fixture.ageRecord())
        let first = try CardProof.verify(fixture.answer(), record: record, issuer: issuer(anchors), anchors: anchors)
        #expect(first.birthDate == BirthDate("1980-02-17"))
        let pinned = try fixture.answer().verified(under: first.cardKey)
        _ = try CardProof.verify(pinned, record: record, issuer: issuer(anchors), anchors: anchors)
    }

    @Test("A signature by another key is no proof, at first sight as under a pin")
    func otherKey() throws {
        let (fixture, anchors) = (try fixture(), try fixture().anchors())
        let other = try RSAPrivateKey()
        let record = try AgeRecord(fixture.ageRecord())
        #expect(throws: CardDataError.signature(.challenge)) {
            try CardProof.verify(fixture.answer(by: other), record: record, issuer: issuer(anchors), anchors: anchors)
        }
        #expect(throws: CardDataError.signature(.challenge)) {
            try fixture.answer(by: other).verified(under: CardKey(fixture.cardKey.publicKey))
        }
        // The pinned card's signature with another card's age record.
        let pinned = try fixture.answer(by: other).verified(under: CardKey(other.publicKey))
        #expect(throws: CardDataError.otherKey) {
            try CardProof.verify(pinned, record: record, issuer: issuer(anchors), anchors: anchors)
        }
    }

    @Test("A nonce is fresh each time: an answer to one is none to the next")
    func replay() throws {
        let fixture = try fixture()
        let (first, second) = (try CardChallenge(for: Presence(number: 1)), try CardChallenge(for: Presence(number: 1)))
        #expect(first.digestInfo != second.digestInfo)
        let replayed = try fixture.cardKey.signPadded(first.digestInfo)
        #expect(throws: CardDataError.signature(.challenge)) {
            try second.answered(replayed).verified(under: CardKey(fixture.cardKey.publicKey))
        }
    }

    @Test("The age record's signature covers birth date and key")
    func alteredRecord() throws {
        let (fixture, anchors) = (try fixture(), try fixture().anchors())
        var bytes = try fixture.ageRecord()
        // A day of the birth date, behind FF10 82 xx xx DF11 08.
        bytes[15] ^= 0x01
        let record = try AgeRecord(bytes)
        #expect(throws: CardDataError.signature(.ageRecord)) {
            try CardProof.verify(fixture.answer(), record: record, issuer: issuer(anchors), anchors: anchors)
        }
    }

    @Test("A denied card key, issuer or CA is never believed")
    func denied() throws {
        let fixture = try fixture()
        let record = try AgeRecord(fixture.ageRecord())
        let trusted = try issuer(fixture.anchors())
        let deniedCard = try fixture.anchors(denied: [CardKey(fixture.cardKey.publicKey).hash])
        #expect(throws: CardDataError.denied) {
            try CardProof.verify(fixture.answer(), record: record, issuer: trusted, anchors: deniedCard)
        }
        for id in [fixture.issuers.municipality.identifier, fixture.issuers.visual.identifier] {
            let anchors = try fixture.anchors(denied: [id])
            #expect(throws: CardDataError.denied) { try issuer(anchors) }
            // Also one that was verified, and cached, before it was denied.
            #expect(!anchors.stillPermits(trusted))
        }
    }
}

@Suite struct CVCertificateTests {
    private func fixture() throws -> Fixture { try Fixture.shared.get() }

    @Test("The test range is taken only where the configuration says so")
    func testRange() throws {
        let fixture = try fixture()
        var real = CardAnchors(allowsTest: false)
        let id = try #require(KeyIdentifier(fixture.issuers.visual.identifier))
        #expect(throws: CardDataError.testIssuer) {
            try real.add(id, use: .visual, key: fixture.issuers.visual.key.publicKey)
        }
        #expect(throws: CardDataError.testIssuer) {
            try CVCertificate(fixture.cvCertificate).verified(under: real, use: .visual)
        }
    }

    @Test("The chain of 券面事項入力補助 never vouches for 券面事項確認")
    func otherChain() throws {
        let fixture = try fixture()
        let text = try CVCertificate(fixture.issuers.text.cvCertificate(for: fixture.issuers.municipality))
        #expect(throws: CardDataError.unknownIssuer) { try text.verified(under: fixture.anchors(), use: .visual) }
        let issuer = try text.verified(under: fixture.anchors(), use: .text)
        #expect(throws: CardDataError.unknownIssuer) {
            try CardProof.verify(
                fixture.answer(), record: AgeRecord(fixture.ageRecord()), issuer: issuer, anchors: fixture.anchors())
        }
    }

    @Test("An issuer that signed with another key is refused, though its id is right")
    func forgedIssuer() throws {
        let fixture = try fixture()
        let forger = try TestCardAuthority(digits: "6000023")
        let forged = try CVCertificate(forger.cvCertificate(for: fixture.issuers.municipality))
        #expect(throws: CardDataError.signature(.cvCertificate)) {
            try forged.verified(under: fixture.anchors(), use: .visual)
        }
    }
}

@Suite struct MalformedRecordTests {
    private func fixture() throws -> Fixture { try Fixture.shared.get() }

    @Test("Every truncation of a record is a named error")
    func truncations() throws {
        let (age, cv) = (try fixture().ageRecord(), try fixture().cvCertificate)
        for count in 0..<age.count {
            #expect(throws: CardDataError.malformed(.ageRecord)) { try AgeRecord(Array(age.prefix(count))) }
        }
        for count in 0..<cv.count {
            #expect(throws: CardDataError.malformed(.cvCertificate)) { try CVCertificate(Array(cv.prefix(count))) }
        }
    }

    @Test("No flipped bit of a record makes a proof")
    func flippedBits() throws {
        let (fixture, anchors) = (try fixture(), try fixture().anchors())
        let (age, cv) = (try fixture.ageRecord(), try fixture.cvCertificate)
        let answer = try fixture.answer()
        let issuer = try CVCertificate(cv).verified(under: anchors, use: .visual)
        for index in stride(from: 0, to: age.count, by: 3) {
            var changed = age
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: CardDataError.self) {
                try CardProof.verify(answer, record: AgeRecord(changed), issuer: issuer, anchors: anchors)
            }
        }
        for index in stride(from: 0, to: cv.count, by: 3) {
            var changed = cv
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: CardDataError.self) {
                try CVCertificate(changed).verified(under: anchors, use: .visual)
            }
        }
    }

    @Test("Non-minimal lengths and FF filler are what cards do")
    func tolerance() throws { _ = try AgeRecord(fixture().ageRecord() + [0xFF, 0xFF, 0xFF]) }
}

@Suite struct CardKeyTests {
    @Test("A card's key survives the form in which it is pinned; other forms are refused")
    func publicKeyInfo() throws {
        let key = CardKey(try RSAPrivateKey().publicKey)
        #expect(try CardKey(publicKeyInfo: key.publicKeyInfo) == key)
        #expect(key.publicKeyInfo == CertificateBuilder.publicKeyInfo(key.rsa))
        for count in stride(from: 0, to: key.publicKeyInfo.count, by: 7) {
            #expect(throws: CardDataError.malformed(.cardKey)) {
                try CardKey(publicKeyInfo: Array(key.publicKeyInfo.prefix(count)))
            }
        }
        #expect(throws: CardDataError.malformed(.cardKey)) { try CardKey(publicKeyInfo: key.publicKeyInfo + [0]) }
    }
}

@Suite struct TokenInformationTests {
    @Test(
        "A card, its predecessor, and phones, by label",
        arguments: [
            ("JPKIAPICCTOKEN2", TokenInformation.Medium.card), ("JPKIAPICCTOKEN", .residentCard),
            ("JPKIAPGPSETOKEN", .androidPhone), ("JPKIAPIOSTOKEN", .iPhone), ("SOMETHING", .other), ("", .other),
        ])
    func labels(label: String, medium: TokenInformation.Medium) throws {
        let padded = Array(label.utf8) + [UInt8](repeating: 0x20, count: 160 - label.utf8.count)
        #expect(try TokenInformation(padded).medium == medium)
    }

    @Test("Short or binary labels are malformed")
    func malformed() {
        #expect(throws: CardDataError.malformed(.tokenInformation)) { try TokenInformation([0x20]) }
        #expect(throws: CardDataError.malformed(.tokenInformation)) {
            try TokenInformation([UInt8](repeating: 0x00, count: 160))
        }
    }
}

@Suite struct TextRecordTests {
    @Test("Attributes, their signature and the application's key verify under its own chain")
    func verified() throws {
        let fixture = try Fixture.shared.get()
        let card = try IssuedCard(issuers: fixture.issuers, now: 1_767_225_600)
        let files = card.profile.applications[2].files
        func file(_ id: UInt8) throws -> [UInt8] { Array(try #require(files.first { $0.id == id }).contents) }
        let issuer = try CVCertificate(file(0x04)).verified(under: fixture.anchors(), use: .text)
        let attributes = try BasicAttributes(file(0x02))
        #expect(attributes.name == card.holder.name && attributes.birthDate == BirthDate("1980-02-17"))
        try TextSignature(file(0x03)).verify(attributes, under: issuer)
        _ = try TextKey(file(0x07)).verified(under: issuer)
        #expect(!"\(attributes) \(String(reflecting: attributes))".contains("黒桐"))
        // The same municipality, as 券面事項確認 knows it.
        let visual = try CVCertificate(fixture.cvCertificate).verified(under: fixture.anchors(), use: .visual)
        #expect(throws: CardDataError.unknownIssuer) { try TextSignature(file(0x03)).verify(attributes, under: visual) }
        #expect(throws: CardDataError.unknownIssuer) { try TextKey(file(0x07)).verified(under: visual) }

        var changed = try file(0x02)
        changed[changed.count - 1] = UInt8(ascii: "2")
        #expect(throws: CardDataError.signature(.basicAttributes)) {
            try TextSignature(file(0x03)).verify(BasicAttributes(changed), under: issuer)
        }
    }
}

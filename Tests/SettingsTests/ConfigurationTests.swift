import Announcement
import Cryptography
import Foundation
import JOSE
import Pilot
import SecurityEvents
import Settings
import Testing

@Suite struct ConfigurationTests {
    private let fixture: ConfigurationFixture
    private var folder: PilotFolder { fixture.folder }

    init() throws { fixture = try ConfigurationFixture() }

    @Test("A whole configuration loads, paths counted from its folder")
    func whole() throws {
        let configuration = try fixture.load()
        #expect(configuration.kioskID == PilotFolder.kioskID)
        #expect(configuration.state == folder.path + "/state")
        #expect(configuration.maxAge == 36 * 3_600)
        #expect(configuration.libraries.map(\.name) == ["central"])
    }

    @Test("Secrets that the service manager hands over are found in its folder; without it the way is told")
    func credentials() throws {
        // Such a file's rights are the manager's: an access list shows as a group's right.
        let handed = folder.path + "/handed-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: handed, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder.path + "/storage.key", toPath: handed + "/storage.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: handed + "/storage.key")
        let old = "storage_key = \"storage.key\""
        let new = "storage_key = \"credential:storage.key\""
        #expect(try fixture.load(old, new, credentials: handed).kioskID == PilotFolder.kioskID)
        // One that can't be read is none whose mode is wrong.
        try FileManager.default.createDirectory(atPath: handed + "/folder", withIntermediateDirectories: true)
        let unreadable = #expect(throws: ConfigurationError.self) {
            try fixture.load(old, "storage_key = \"credential:folder\"", credentials: handed)
        }
        #expect(unreadable?.kind == .unreadable)
        let refused = try #require(fixture.failure(old, new))
        #expect(refused.kind == .noCredential && refused.place == .key("kiosk.storage_key"))
        #expect("\(refused)".contains("kazashictl"))
    }

    @Test(
        "What is wrong is named by key, with its kind",
        arguments: [
            ("[kiosk]\n", "[kiosk]\nid2 = \"x\"\n", ConfigurationError.Kind.unknownKey, "kiosk.id2"),
            ("[panel]", "[panal]", .unknownKey, "panal"),
            ("id = \"kiosk-07.lib.example\"\n", "", .missingKey, "kiosk.id"),
            ("min_gap = \"0s\"", "min_gap = 0", .wrongValue, "kiosk.min_gap"),
            ("name = \"central\"", "name = 1", .wrongValue, "library[0].name"),
            ("name = \"central\"", "", .missingKey, "library[0].name"),
            ("min_gap = \"0s\"", "min_gap = \"soon\"", .wrongValue, "kiosk.min_gap"),
            ("source = \"system\"", "source = \"guess\"", .wrongValue, "time.source"),
            ("storage_key = \"storage.key\"", "storage_key = \"none.key\"", .unreadable, "kiosk.storage_key"),
            ("storage_key = \"storage.key\"", "storage_key = \"central.jwk\"", .wrongMode, "kiosk.storage_key"),
            ("storage_key = \"storage.key\"", "storage_key = \"kiosk-es256.pem\"", .badKey, "kiosk.storage_key"),
            ("signing_key = \"kiosk-es256.pem\"", "signing_key = \"storage.key\"", .badKey, "kiosk.signing_key"),
            ("anchors = [\"anchors\"]", "anchors = [\"crl\"]", .badKey, "trust.anchors"),
            ("anchors = [\"anchors\"]", "anchors = [\"nowhere\"]", .unreadable, "trust.anchors"),
            (
                "card_anchors = [\"card-anchors.json\"]", "card_anchors = [\"central.jwk\"]", .badKey,
                "trust.card_anchors"
            ),
            ("test = true", "test = false", .badKey, "trust.card_anchors"),
            ("policies = [\"1.2.392.200149.8.5.1.3.30\"]", "policies = [\"one\"]", .wrongValue, "trust.policies"),
            ("denied = []", "denied = [\"xyz\"]", .wrongValue, "trust.denied"),
            (
                "receiver_key = \"central.jwk\"", "receiver_key = \"card-anchors.json\"", .badKey,
                "library.central.receiver_key"
            ),
            ("receiver_key = \"central.jwk\"\n", "", .missingKey, "library.central.receiver_key"),
            ("http://127.0.0.1:9/", "http://ils.example/", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/", "http://127.0.0.1:9@evil.example/", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/", "http://127.0.0.1.evil.example/", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/events", "udp://127.0.0.1", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/events", "udp://127.0.0.1:0", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/events", "udp://:9", .wrongValue, "library.central.url"),
            ("http://127.0.0.1:9/events", "ftp://127.0.0.1:9", .wrongValue, "library.central.url"),
            (
                "http://127.0.0.1:9/events\"\nreceiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\"",
                "udp://127.0.0.1:9\"\nreceiver_key = \"central.jwk\"", .missingKey,
                "library.central.acknowledgement_key"
            ),
            (
                "http://127.0.0.1:9/events\"\nreceiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\"",
                "http://ils.example/\"\nallow_plain_http = true\nreceiver_key = \"central.jwk\"", .missingKey,
                "library.central.acknowledgement_key"
            ),
            ("receiver_key = \"central.jwk\"", "suite = \"rot13\"", .wrongValue, "library.central.suite"),
            (
                "receiver_key = \"central.jwk\"", "suite = \"direct\"", .wrongValue,
                "library.central.acknowledgement_key"
            ),
            (
                "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\"", "suite = \"direct\"",
                .missingKey, "library.central.shared_key"
            ),
            (
                "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\"",
                "suite = \"direct\"\nshared_key = \"central.jwk\"", .wrongMode, "library.central.shared_key"
            ),
            (
                "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\"",
                "suite = \"direct\"\nshared_key = \"storage.key\"", .badKey, "library.central.shared_key"
            ),
            (
                "receiver_key = \"central.jwk\"", "receiver_key = \"central.jwk\"\nshared_key = \"central-shared.jwk\"",
                .wrongValue, "library.central.shared_key"
            ),
            (
                "audience = \"https://ils.example\"",
                "audience = \"https://\(String(repeating: "x", count: 600)).example\"", .wrongValue,
                "library.central.audience"
            ),
            ("display = \"terminal\"", "display = \"vt220:/dev/ttyS0\"", .wrongValue, "panel.display"),
            ("display = \"terminal\"", "columns = 40", .wrongValue, "panel.columns"),
            ("display = \"terminal\"", "lights = [\"left\"]", .wrongValue, "panel.lights"),
            ("display = \"terminal\"", "volume = \"loud\"", .wrongValue, "panel.volume"),
            ("display = \"terminal\"", "quiet = \"always\"", .wrongValue, "panel.quiet"),
        ] as [(String, String, ConfigurationError.Kind, String)])
    func wrong(old: String, new: String, kind: ConfigurationError.Kind, key: String) throws {
        let error = try #require(fixture.failure(old, new))
        #expect(error.kind == kind && error.place == .key(key), "\(error)")
        // What to do, in both languages.
        #expect("\(error)".split(separator: "\n").count == 3)
    }

    @Test("A secret that others may read is refused by a kiosk, and named to the doctor")
    func exposedSecrets() throws {
        #expect(try fixture.load().exposedSecrets.isEmpty)
        for name in ["open.key", "open.jwk", "client.key"] {
            let secret = name == "open.key" ? "storage.key" : "central-shared.jwk"
            try? FileManager.default.copyItem(atPath: folder.path + "/" + secret, toPath: folder.path + "/" + name)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path + "/" + name)
        }
        let keys = "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\""
        let url = "url = \"http://127.0.0.1:9/events\""
        for (old, new, key) in [
            ("storage_key = \"storage.key\"", "storage_key = \"open.key\"", "kiosk.storage_key"),
            (keys, "suite = \"direct\"\nshared_key = \"open.jwk\"", "library.central.shared_key"),
            (
                url, "url = \"https://127.0.0.1:9/events\"\nclient_key = \"client.key\"",
                "library.central.client_key"
            ),
        ] {
            #expect(fixture.failure(old, new)?.kind == .wrongMode)
            let exposed = try fixture.load(old, new, takesExposedSecrets: true).exposedSecrets
            #expect(exposed.map(\.place) == [.key(key)] && exposed.map(\.kind) == [.wrongMode])
        }
    }

    @Test("An HD44780's lines and a backpack's address, and what is neither")
    func ownDisplays() throws {
        let old = "display = \"terminal\""
        func display(_ text: String) throws -> PanelOptions.Display {
            try fixture.load(old, "display = \"\(text)\"").panel.display
        }
        #expect(
            try display("hd44780:/dev/gpiochip0:27,17,22,23,24,25")
                == .gpio(chip: "/dev/gpiochip0", lines: [27, 17, 22, 23, 24, 25]))
        #expect(try display("hd44780-i2c:/dev/i2c-1:0x3F") == .backpack(bus: "/dev/i2c-1", address: 0x3F))
        for text in [
            "hd44780:/dev/gpiochip0", "hd44780:/dev/gpiochip0:1,2,3,4,5", "hd44780:/dev/gpiochip0:1,2,3,4,5,6,7",
            "hd44780:/dev/gpiochip0:1,2,3,4,5,5", "hd44780:/dev/gpiochip0:1,2,3,4,5,-6", "hd44780:1,2,3,4,5,6",
            "hd44780:/dev/gpiochip0:1,2,3,4,5,", "hd44780", "hd44780-i2c:/dev/i2c-1", "hd44780-i2c:/dev/i2c-1:27",
            "hd44780-i2c:/dev/i2c-1:0x07", "hd44780-i2c:/dev/i2c-1:0x78", "hd44780-i2c:/dev/i2c-1:0x1FF",
        ] {
            let error = fixture.failure(old, "display = \"\(text)\"")
            #expect(error?.kind == .wrongValue && error?.place == .key("panel.display"), "\(text)")
        }
    }

    @Test("A secret's owner and mode are told together, once a file; one that is not there is another matter")
    func secretRights() throws {
        let (key, jwk) = (folder.path + "/rights.key", folder.path + "/rights.jwk")
        try FileManager.default.copyItem(atPath: folder.path + "/storage.key", toPath: key)
        try FileManager.default.copyItem(atPath: folder.path + "/central-shared.jwk", toPath: jwk)
        // A state of its own: the folder is every test's.
        let old = "state = \"state\"\nstorage_key = \"storage.key\""
        let new = "state = \"rights-state\"\nstorage_key = \"rights.key\""
        func exposed() throws -> [String] {
            try fixture.load(old, new, takesExposedSecrets: true).exposedSecrets.map(\.problem)
        }
        let me = NSUserName()
        #expect(chmod(key, 0o640) == 0)
        #expect(try exposed() == ["rights.key belongs to \(me), mode 0640; it must belong to \(me), mode 0600"])
        #expect(chmod(key, 0o400) == 0)
        #expect(try exposed() == [])
        // A file under two keys, and one that is not there.
        let two = "suite = \"direct\"\nshared_key = \"rights.jwk\"\nclient_key = \"rights.jwk\""
        let keys = "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\""
        #expect(chmod(jwk, 0o604) == 0)
        #expect(try fixture.load(keys, two, takesExposedSecrets: true).exposedSecrets.count == 1)
        // The client's key, in a file of its own or in the certificate's.
        for name in ["client_key", "client_certificate"] {
            let client = "suite = \"direct\"\nshared_key = \"central-shared.jwk\"\n\(name) = \"rights.jwk\""
            let told = try fixture.load(keys, client, takesExposedSecrets: true).exposedSecrets
            #expect(told.map(\.place) == [.key("library.central.\(name)")])
        }
        let url = "url = \"http://127.0.0.1:9/events\""
        let missing = fixture.failure(url, "url = \"https://127.0.0.1:9/events\"\nclient_key = \"missing.key\"")
        #expect(missing?.kind == .unreadable)
        // Another user's; only root can make one.
        guard geteuid() == 0 else { return }
        #expect(chown(key, 65_534, 65_534) == 0 && chmod(key, 0o600) == 0)
        #expect(fixture.failure(old, new)?.kind == .wrongMode)
        #expect(fixture.failure(old, new)?.problem.contains("belongs to nobody, mode 0600") == true)
        // Root's, where the kiosk is another user: nobody else reads it, and neither does the kiosk.
        let state = folder.path + "/rights-state"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        #expect(chown(state, 65_534, 65_534) == 0)
        #expect(chown(key, 65_534, 65_534) == 0)
        #expect(try exposed().allSatisfy { !$0.hasPrefix("rights.key") })
        #expect(chown(key, 0, 0) == 0)
        #expect(try exposed().contains("rights.key belongs to root, mode 0600; it must belong to nobody, mode 0600"))
        #expect(fixture.failure(old, new) == nil)
    }

    @Test("The endpoints and suites that are meant")
    func endpoints() throws {
        let keys = "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\""
        let direct = "suite = \"direct\"\nshared_key = \"central-shared.jwk\""
        let url = "http://127.0.0.1:9/events"
        guard case .udp("ils.example", 8_935) = try fixture.load(url, "udp://ils.example:8935").libraries[0].endpoint
        else {
            Issue.record("udp")
            return
        }
        guard case .udp("::1", 9) = try fixture.load(url, "udp://[::1]:9").libraries[0].endpoint else {
            Issue.record("udp over IPv6")
            return
        }
        guard case .loopback = try fixture.load(url, "http://[::1]:9/events").libraries[0].endpoint else {
            Issue.record("loopback over IPv6")
            return
        }
        let plain = try fixture.load(
            url + "\"\n" + keys, "http://ils.example/events\"\nallow_plain_http = true\n" + keys)
        guard case .plainHTTP = plain.libraries[0].endpoint else {
            Issue.record("plain HTTP by name")
            return
        }
        guard case .direct(let key) = try fixture.load(keys, direct).libraries[0].suite else {
            Issue.record("direct")
            return
        }
        #expect(key.keyID == folder.sharedKey.keyID)
        #expect("\(key)" == "[secret]")
    }

    @Test("A record whose token would be too large for its library does not fit")
    func tokenSize() throws {
        let long = "audience = \"https://\(String(repeating: "x", count: 160)).example\""
        let configuration = try fixture.load("audience = \"https://ils.example\"", long)
        let ppid = Confidential(String(repeating: "p", count: 64))
        #expect(configuration.fits("central", ppid: Confidential("p"), serviceID: nil))
        #expect(!configuration.fits("central", ppid: ppid, serviceID: nil))
        #expect(try fixture.load().fits("central", ppid: ppid, serviceID: ppid))
        #expect(configuration.fits("elsewhere", ppid: ppid, serviceID: nil))
    }

    @Test("A pseudonym fits as long as each of its tokens does, to the byte")
    func longestPseudonym() throws {
        let keys = "receiver_key = \"central.jwk\"\nacknowledgement_key = \"central-sign.jwk\""
        let direct = "suite = \"direct\"\nshared_key = \"central-shared.jwk\""
        let configuration = try fixture.load(keys, direct)
        let suite = configuration.libraries[0].suite
        var sizes: Set<Int> = []
        for count in 1..<700 {
            let ppid = String(repeating: "p", count: count)
            let subject = SubjectIdentifier(issuer: PilotFolder.platform, subject: ppid)
            let events: [PersonEvent] = [
                .presented(serviceID: nil), .replaced(previous: .init(ppid)), .attributesChanged,
            ]
            let largest = try events.map { event in
                SealedToken.size(
                    of: EventClaims(
                        iss: PilotFolder.kioskID, aud: PilotFolder.audience, iat: 9_999_999_999, toe: 9_999_999_999,
                        jti: try TokenID(), event: .person(event, subject)),
                    suite: suite, signingKeyID: folder.kioskKey.keyID)
            }.max()
            sizes.insert(try #require(largest))
            #expect(
                configuration.fits("central", ppid: Confidential(ppid), serviceID: nil)
                    == (try #require(largest) <= SealedToken.most))
        }
        #expect(sizes.contains(SealedToken.most), "the limit itself is among them")
    }

    @Test(
        "As an editor on Windows writes it: a byte order mark and its ends of lines; another encoding is named with its line"
    )
    func encodings() throws {
        let text = try String(contentsOfFile: folder.configuration, encoding: .utf8)
        func load(_ bytes: [UInt8]) throws -> Configuration {
            let file = try folder.write("encoded-\(UUID().uuidString).toml", bytes)
            defer { try? FileManager.default.removeItem(atPath: file) }
            return try Configuration(file: file)
        }
        let windows = "\u{FEFF}" + text.replacingOccurrences(of: "\n", with: "\r\n")
        #expect(try load(Array(windows.utf8)).kioskID == PilotFolder.kioskID)
        let shiftJIS = try #require(("# 中央図書館\n" + text).data(using: .shiftJIS))
        let unicode = try #require(text.data(using: .utf16))
        for (bytes, line) in [(Array("# a\n".utf8) + shiftJIS, 2), (Array(unicode), 1)] {
            let error = #expect(throws: ConfigurationError.self) { try load(bytes) }
            #expect(error?.kind == .notUTF8 && error?.place == .line(line))
        }
    }

    @Test("What is not TOML is named by its line")
    func notTOML() throws {
        let error = try #require(fixture.failure("[time]\n", "[time\n"))
        #expect(error.kind == .notTOML)
        let text = try String(contentsOfFile: folder.configuration, encoding: .utf8)
        let line =
            try #require(text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex(of: "[time]")) + 1
        #expect(error.place == .line(line), "\(error)")
    }

    @Test(
        "Written durations",
        arguments: [("150ms", 0.15), ("2s", 2), ("10m", 600), ("36h", 129_600), ("35d", 3_024_000)])
    func durations(text: String, seconds: Double) { #expect(WrittenDuration(text)?.seconds == seconds) }

    @Test("No durations", arguments: ["", "2", "s", "-1s", "1 year", "nan s", "infs", "1e99h"])
    func noDurations(text: String) { #expect(WrittenDuration(text) == nil) }
}

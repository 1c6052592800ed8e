import Clock
import Cryptography
import Foundation
import Laboratory
import Pilot
import Revocation
import TestPKI
import TestRig
import Testing

/// `kazashi crl` as its own process: exit codes, JSON, and what is served when things go wrong.
@Suite(.timeLimit(.minutes(15))) struct RevocationCommandTests {
    private struct Listed: Decodable {
        struct List: Decodable {
            let result: String?
            let number: String
            let entries: Int
            let scope: [String]
            let delta: Bool
            let stale: Bool
            let id: String
        }
        struct Problem: Decodable { let file, code: String }
        let lists: [List]
        let problems: [Problem]?
    }
    private struct Answer: Decodable { let verdict, code: String }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-crl-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await body(path)
    }

    private func kazashi(_ arguments: String..., input: [UInt8] = []) async throws -> (
        code: Int32, output: String, error: String
    ) { try await ChildProcess.run(Programs.kazashi, arguments, input: input) }

    private func decode<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    private func issue(_ lists: LargeLists, serial: [UInt8], at path: String, point: TestName? = nil) throws -> String {
        let authority = try lists.authority()
        var user = TestAuthority.UserCertificate(
            serial: serial, commonName: "test", publicKey: authority.key.publicKey, validFrom: 1_700_000_000,
            validTo: 2_000_000_000)
        user.distributionPoint = point
        let file = "\(path)/\(serial.hexText).pem"
        try Data(PEM.encode(authority.issue(user), label: "CERTIFICATE")).write(to: URL(filePath: file))
        return file
    }

    @Test("A national list: taken, taken already, checked, shown; older and forged ones refused")
    func national() async throws {
        try await withFolder { path in
            let store = path + "/store"
            let lists = LargeLists(folder: path + "/ca", entries: 3_000)
            try lists.write()
            let (issuer, file) = (lists.folder + "/ca.pem", lists.folder + "/national.crl")
            let empty = try await kazashi("crl", "status", "--store", store, "--json")
            #expect(try empty.code == 0 && decode(empty.output, as: Listed.self).lists.isEmpty)
            let taken = try await kazashi("crl", "import", "--store", store, "--issuer", issuer, "--json", file)
            #expect(taken.code == 0, "\(taken.error)")
            let list = try #require(try decode(taken.output, as: Listed.self).lists.first)
            #expect(list.result == "taken" && list.entries == 3_000 && list.number == "1" && list.scope.isEmpty)
            // Standard input, and PEM.
            let der = Array(try Data(contentsOf: URL(filePath: file)))
            for bytes in [der, PEM.encode(der, label: "X509 CRL")] {
                let again = try await kazashi(
                    "crl", "import", "--store", store, "--issuer", issuer, "--json", "-", input: bytes)
                #expect(try again.code == 0 && decode(again.output, as: Listed.self).lists.first?.result == "already")
            }
            let synthetic = SyntheticEntries(.four, thisUpdate: 0)
            let revoked = try issue(lists, serial: synthetic.serial(2_999), at: path)
            let good = try issue(lists, serial: synthetic.serial(3_000), at: path)
            let no = try await kazashi("crl", "check", "--store", store, "--json", revoked)
            #expect(try no.code == 1 && decode(no.output, as: Answer.self).code == "revoked")
            let yes = try await kazashi("crl", "check", "--store", store, "--json", good)
            #expect(try yes.code == 0 && decode(yes.output, as: Answer.self).verdict == "good")
            let stale = try await kazashi("crl", "check", "--store", store, "--json", "--max-age", "1s", good)
            #expect(try stale.code == 3 && decode(stale.output, as: Answer.self).code == "crl_stale")
            let late = try await kazashi(
                "crl", "check", "--store", store, "--json", "--at", "2030-01-01T00:00:00Z", good)
            #expect(try late.code == 3 && decode(late.output, as: Answer.self).code == "crl_stale")

            // The same number with other bytes, and a list of another authority.
            var other = lists
            other.entries = 10
            try other.write()
            let reused = try await kazashi("crl", "import", "--store", store, "--issuer", issuer, "--json", file)
            #expect(reused.code == 1 && reused.output.contains("crl_rollback") && reused.error.contains("取得"))
            let stranger = LargeLists(folder: path + "/stranger", entries: 10, number: 7)
            try stranger.write()
            let forged = try await kazashi(
                "crl", "import", "--store", store, "--issuer", issuer, stranger.folder + "/national.crl")
            #expect(forged.code == 1 && forged.error.contains("signature"))
            let foreign = try issue(stranger, serial: [0x22], at: path)
            let unknown = try await kazashi("crl", "check", "--store", store, "--json", foreign)
            #expect(try unknown.code == 1 && decode(unknown.output, as: Answer.self).code == "signature")
            let status = try await kazashi("crl", "status", "--store", store, "--json")
            let served = try decode(status.output, as: Listed.self).lists
            #expect(status.code == 0 && served.map(\.entries) == [3_000] && served.map(\.stale) == [false])
        }
    }

    @Test("Partitions and a delta: each card by its own")
    func partitions() async throws {
        try await withFolder { path in
            let store = path + "/store"
            let lists = LargeLists(folder: path + "/ca", entries: 600, partitions: 3)
            try lists.write()
            for name in lists.names.prefix(2) {
                let taken = try await kazashi(
                    "crl", "import", "--store", store, "--issuer", lists.folder + "/ca.pem", "\(lists.folder)/\(name)")
                #expect(taken.code == 0, "\(taken.error)")
            }
            let synthetic = SyntheticEntries(.four, thisUpdate: 0)
            func code(_ number: Int, _ partition: Int) async throws -> String {
                let file = try issue(
                    lists, serial: synthetic.serial(number), at: path, point: LargeLists.point(partition))
                return try await decode(
                    kazashi("crl", "check", "--store", store, "--json", file).output, as: Answer.self
                )
                .code
            }
            #expect(try await code(5, 0) == "revoked")
            #expect(try await code(250, 0) == "good", "revoked in another partition only")
            #expect(try await code(250, 1) == "revoked")
            #expect(try await code(1_000, 2) == "crl_scope")
            // The delta of the first partition names others.
            var delta = lists
            (delta.isDelta, delta.number, delta.entries) = (true, 2, 1_800)
            try delta.write()
            let taken = try await kazashi(
                "crl", "import", "--store", store, "--issuer", lists.folder + "/ca.pem", "--json",
                "\(lists.folder)/\(delta.names[0])")
            #expect(try decode(taken.output, as: Listed.self).lists.first?.delta == true)
            #expect(try await code(250, 0) == "revoked")
            #expect(try await code(5, 0) == "revoked")
            #expect(try await code(1_000, 0) == "good")
        }
    }

    private struct Imported: Decodable {
        struct List: Decodable {
            let result, number, issuer: String
            let position: Int
            let code: String?
        }
        let lists: [List]
        let code: String?
    }

    @Test("Each list of a bundle on its own, in either order, and named in the answer")
    func bundle() async throws {
        try await withFolder { path in
            let (own, other) = (
                LargeLists(folder: path + "/own", entries: 5), LargeLists(folder: path + "/x", entries: 5)
            )
            try own.write()
            try other.write()
            let pem = try [own, other].map { lists in
                let der = Array(try Data(contentsOf: URL(filePath: lists.folder + "/national.crl")))
                return PEM.encode(der, label: "X509 CRL")
            }
            for (order, expected) in [([0, 1], ["taken", "refused"]), ([1, 0], ["refused", "taken"])] {
                let file = path + "/bundle-\(order[0]).pem"
                try Data(order.flatMap { pem[$0] }).write(to: URL(filePath: file))
                let result = try await kazashi(
                    "crl", "import", "--store", path + "/store-\(order[0])", "--issuer", own.folder + "/ca.pem",
                    "--json",
                    file)
                #expect(result.code == 1, "\(result)")
                let answer = try decode(result.output, as: Imported.self)
                #expect(answer.lists.map(\.result) == expected && answer.lists.map(\.position) == [1, 2])
                #expect(answer.code == "crl_unusable" && answer.lists.allSatisfy { !$0.issuer.isEmpty })
                #expect(answer.lists.filter { $0.code != nil }.map(\.result) == ["refused"])
                #expect(result.error.contains("list \(1 + order[0] == 1 ? 2 : 1)"), "\(result.error)")
            }
        }
    }

    @Test(
        "A bundle of 300 partitions, with few descriptors and little memory",
        .disabled(
            if: ProcessInfo.processInfo.environment["KAZASHI_SANITIZER"] != nil, "a sanitizer takes memory of its own"))
    func bundleOfPartitions() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 3_000, partitions: 300)
            try lists.write()
            var bundle: [UInt8] = []
            for name in lists.names {
                let der = Array(try Data(contentsOf: URL(filePath: "\(lists.folder)/\(name)")))
                bundle += PEM.encode(der, label: "X509 CRL")
            }
            try Data(bundle).write(to: URL(filePath: path + "/bundle.pem"))
            // What the service has is 256; beside lists on their way it holds some itself.
            let command =
                "ulimit -n 96; ulimit -d 200000; exec '\(Programs.kazashi)' crl import --store '\(path)/store' "
                + "--issuer '\(lists.folder)/ca.pem' --json '\(path)/bundle.pem'"
            let result = try await ChildProcess.run("/bin/sh", ["-c", command], input: [])
            #expect(result.code == 0, "\(result.error.suffix(500))")
            #expect(try decode(result.output, as: Imported.self).lists.count { $0.result == "taken" } == 300)
        }
    }

    @Test("A store forgets a list by its id, and says so until the kiosk's journal has; one of the future is not taken")
    func forget() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 10)
            try lists.write()
            let (issuer, file) = (lists.folder + "/ca.pem", lists.folder + "/national.crl")
            func take(_ more: String...) async throws -> (code: Int32, output: String, error: String) {
                try await ChildProcess.run(
                    Programs.kazashi,
                    ["crl", "import", "--store", path + "/store", "--issuer", issuer, "--json", file] + more, input: [])
            }
            let early = try await take("--at", "2020-01-01T00:00:00Z")
            #expect(early.code == 1 && early.output.contains("five minutes ahead"), "\(early)")
            #expect(try await take().code == 0)
            func status() async throws -> (code: Int32, output: String, error: String) {
                try await kazashi("crl", "status", "--store", path + "/store", "--json")
            }
            let id = try #require(try await decode(status().output, as: Listed.self).lists.first).id
            let unknown = try await kazashi("crl", "forget", "--store", path + "/store", "--json", "00")
            #expect(unknown.code == 1 && unknown.output.contains("unknown_list"))
            let forgotten = try await kazashi("crl", "forget", "--store", path + "/store", "--json", id)
            #expect(forgotten.code == 0 && forgotten.output.contains(id))
            let after = try await status()
            #expect(try decode(after.output, as: Listed.self).lists.isEmpty && after.output.contains("was forgotten"))
            #expect(try await take().code == 0)
        }
    }

    @Test("A URL, and what a network that vanishes leaves")
    func url() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 2_000)
            try lists.write()
            let bytes = Array(try Data(contentsOf: URL(filePath: lists.folder + "/national.crl")))
            let server = try ScriptedServer { request in
                request.target == "/good" ? .init("200 OK", body: bytes) : .init("200 OK", body: bytes, sent: 9_000)
            }
            let issuer = ["--store", path + "/store", "--issuer", lists.folder + "/ca.pem"]
            let broken = try await ChildProcess.run(
                Programs.kazashi, ["crl", "import"] + issuer + [server.url("broken")], input: [])
            #expect(broken.code == 3 && broken.error.contains("ネットワーク"))
            let good = try await ChildProcess.run(
                Programs.kazashi, ["crl", "import"] + issuer + [server.url("good")], input: [])
            #expect(good.code == 0, "\(good.error)")
        }
    }

    @Test("A list whose form is wrong is named by its place, alone as in a bundle")
    func malformed() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 10)
            try lists.write()
            let der = Array(try Data(contentsOf: URL(filePath: lists.folder + "/national.crl")).dropLast(9))
            var answers: [String] = []
            for bytes in [der, PEM.encode(der, label: "X509 CRL")] {
                let result = try await kazashi(
                    "crl", "import", "--store", path + "/store", "--issuer", lists.folder + "/ca.pem", "--json", "-",
                    input: bytes)
                #expect(result.code == 1 && result.output.contains(#""position":1"#), "\(result)")
                answers.append(result.output)
            }
            #expect(answers.first == answers.last)
        }
    }

    @Test("With --config the kiosk's own clock is asked: one that is not believed refuses no list; --at wins")
    func clockOfConfiguration() async throws {
        for source in ["synchronised", "system"] {
            try await withFolder { path in
                var options = PilotFolder.Options()
                options.timeSource = source
                let folder = try PilotFolder(path + "/pilot", options: options)
                try Data(folder.list(age: -2)).write(to: URL(filePath: path + "/list.crl"))
                func take(_ more: String...) async throws -> (code: Int32, output: String, error: String) {
                    let always = ["--config", path + "/pilot/kazashi.toml", "--json", path + "/list.crl"]
                    return try await ChildProcess.run(Programs.kazashi, ["crl", "import"] + always + more, input: [])
                }
                let isBelieved = source == "system" || KernelClock.now == .synchronised
                let asserted = try await take("--at", "2020-01-01T00:00:00Z")
                #expect(asserted.code == 1 && asserted.output.contains("crl_ahead"), "\(asserted)")
                let result = try await take()
                #expect(result.code == (isBelieved ? 1 : 0), "\(source): \(result)")
                if isBelieved {
                    #expect(result.output.contains("crl_ahead") && result.error.contains("set it"), "\(result)")
                }
            }
        }
    }

    @Test("A URL that nobody can use is wrong use, in words")
    func unusableURL() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 10)
            try lists.write()
            for url in ["http://[::1", "https://", "http://:80/"] {
                let result = try await kazashi(
                    "crl", "import", "--store", path + "/store", "--issuer", lists.folder + "/ca.pem", "--json", url)
                #expect(result.code == 2 && result.output.contains("unusable_url"), "\(url): \(result)")
                #expect(!result.error.contains("unusableRequest") && !result.error.contains("by itself"))
            }
        }
    }

    @Test("Wrong use is 2, and says what is wrong")
    func wrongUse() async throws {
        try await withFolder { path in
            let lists = LargeLists(folder: path + "/ca", entries: 10)
            try lists.write()
            let store = path + "/store"
            for arguments in [
                ["crl", "import", "--store", store, "--issuer", lists.folder + "/ca.pem", path + "/nothing.crl"],
                ["crl", "import", "--store", store, "--issuer", path + "/nothing.pem", lists.folder + "/national.crl"],
                [
                    "crl", "import", "--store", store, "--issuer", lists.folder + "/ca-key.der",
                    lists.folder + "/national.crl",
                ],
                ["crl", "check", "--store", store, path + "/nothing.pem"], ["crl", "check", path], ["crl", "import"],
                ["crl", "check", "--store", store, "--at", "noon", lists.folder + "/ca.pem"],
            ] {
                let result = try await ChildProcess.run(Programs.kazashi, arguments, input: [])
                #expect(result.code == 2 && !result.error.isEmpty, "\(arguments): \(result.code) \(result.error)")
            }
            let help = try await kazashi("crl", "import", "--help")
            #expect(help.code == 0 && help.output.contains("standard input"))
        }
    }
}

import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import Pilot
import SecurityEvents
import TestRig
import Testing

/// The desk as its own process, as a library would try it.
@Suite("kazashi-lab library", .timeLimit(.minutes(2))) struct LibraryCommandTests {
    private let folder: PilotFolder

    init() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-lib-\(UUID().uuidString)").path()
        folder = try PilotFolder(path)
    }

    private struct Running {
        let process: ChildProcess
        let http, udp, page: UInt16
    }

    private func start(_ arguments: [String] = []) async throws -> Running {
        let process = try ChildProcess(
            Programs.laboratory,
            ["library", "--folder", folder.path, "--port", "0", "--page-port", "0"] + arguments)
        var ports: [UInt16] = []
        for await line in process.lines {
            if let port = line.firstMatch(of: /(?:127\.0\.0\.1:|port )(\d+)/).flatMap({ UInt16($0.1) }) {
                ports.append(port)
            }
            if ports.count == 3 { break }
        }
        try #require(ports.count == 3, "\(process.standardError)")
        return Running(process: process, http: ports[0], udp: ports[1], page: ports[2])
    }

    private func transmitter(_ port: UInt16) -> Transmitter {
        Transmitter(
            Library(
                name: "central", audience: PilotFolder.audience, endpoint: .udp(host: "127.0.0.1", port: port),
                suite: .nested(
                    receiver: folder.libraryKey.publicJWK, acknowledgers: [folder.acknowledgementKey.publicJWK])),
            kiosk: PilotFolder.kioskID, signingKey: folder.kioskKey, http: CurlClient(), now: { Int64(time(nil)) })
    }

    @Test("What it prints holds no pseudonym, no card number and no name; a restart forgets no token")
    func printsNobody() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let system = SIP2Server(patrons: ["20260000000017": "図書 花子"])
        let sip2 = "127.0.0.1:\(try await system.start())"
        let wedge = folder.path + "/wedge"
        try #require(mkfifo(wedge, 0o600) == 0)
        let keyboard = open(wedge, O_RDONLY | O_NONBLOCK)
        defer { close(keyboard) }
        let event = SecurityEvent.person(
            .presented(serviceID: Confidential("20260000000017")),
            SubjectIdentifier(issuer: PilotFolder.platform, subject: "PPID-SECRET"))
        let running = try await start(["--sip2", sip2, "--wedge", wedge])
        let sender = transmitter(running.udp)
        let token = try await sender.seal(event, jti: TokenID(), toe: Int64(time(nil)))
        #expect(await sender.push(token, deadline: .now + .seconds(10)) == .acknowledged)
        // The page shows what the library's system said of the number that the token brought.
        let seen = try await page(running.page) { $0.contains(#""system""#) }
        #expect(seen.contains("図書 花子") && seen.contains("20260000000017") && !seen.contains("PPID"))
        var typed = [UInt8](repeating: 0, count: 64)
        let count = read(keyboard, &typed, typed.count)
        #expect(String(decoding: typed.prefix(max(0, count)), as: UTF8.self) == "20260000000017\r")
        for await line in running.process.lines where line.contains("urn:kazashi:presented") { break }
        // Patrons' names will stand there: for nobody else, even if the pilot folder is.
        for (name, mode) in [
            ("", 0o700), ("/desk.sqlite", 0o600), ("/desk.sqlite-wal", 0o600), ("/desk.sqlite-shm", 0o600),
        ] {
            var status = stat()
            #expect(stat(folder.path + "/desk" + name, &status) == 0 && Int(status.st_mode) & 0o777 == mode, "\(name)")
        }
        await running.process.stop()

        let again = try await start()
        // The same datagram, caught and sent again after a restart: answered, not acted on.
        #expect(await transmitter(again.udp).push(token, deadline: .now + .seconds(10)) == .acknowledged)
        for await line in again.process.lines {
            #expect(line.hasSuffix("(duplicate)"))
            break
        }
        await again.process.stop()
        await system.stop()
        for process in [running.process, again.process] {
            let text = process.standardOutput + process.standardError
            for identity in ["PPID", "20260000000017", "花子"] { #expect(!text.contains(identity)) }
        }
    }

    /// Reads the display's events until one is as wanted.
    private func page(_ port: UInt16, until matches: @escaping @Sendable (String) -> Bool) async throws -> String {
        let (events, continuation) = AsyncStream<String>.makeStream()
        let reading = Task {
            let request = HTTPRequest(.get, "http://127.0.0.1:\(port)/stream", timeout: .seconds(60), most: .max)
            _ = try? await CurlClient().send(request) { _, bytes in
                continuation.yield(String(decoding: bytes, as: UTF8.self))
                return true
            }
        }
        defer { reading.cancel() }
        for await event in events where matches(event) { return event }
        return ""
    }

    @Test("A flood of bad tokens is counted, not printed; a date beyond all calendars ends with its token")
    func flood() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let running = try await start()
        let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        (address.sin_port, address.sin_addr.s_addr) = (running.udp.bigEndian, UInt32(0x7F00_0001).bigEndian)
        for _ in 0..<2_000 {
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket, "hello", 5, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        let event = SecurityEvent.person(
            .presented(serviceID: nil), SubjectIdentifier(issuer: PilotFolder.platform, subject: "PPID"))
        let sender = transmitter(running.udp)
        for toe in [Int64.max, Int64.min, -1, 253_402_300_800] {
            let token = try await sender.seal(event, jti: TokenID(), toe: toe)
            #expect(await sender.push(token, deadline: .now + .seconds(10)) == .refused(.invalidRequest))
        }
        let token = try await sender.seal(event, jti: TokenID(), toe: 253_402_300_799)
        #expect(await sender.push(token, deadline: .now + .seconds(10)) == .acknowledged)
        for await line in running.process.lines where line.contains("toe=9999-12-31T23:59:59Z") { break }
        let refused = running.process.standardOutput.split(separator: "\n").filter { $0.hasPrefix("refused") }
        #expect((1...100).contains(refused.count))
        await running.process.stop()
    }

    @Test("Wrong words are told, with what to do")
    func wrongUse() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        for arguments in [["--suite", "rot13"], ["--sip2", "nowhere"], ["--address", "ils.example"]] {
            let result = try await ChildProcess.run(
                Programs.laboratory,
                ["library", "--folder", folder.path, "--port", "0", "--page-port", "0"] + arguments)
            #expect(result.code != 0 && !result.error.isEmpty, "\(arguments)")
        }
        let missing = try await ChildProcess.run(Programs.laboratory, ["library", "--folder", "/nowhere"])
        #expect(missing.code != 0 && missing.error.contains("pki init"), "\(missing.error)")
    }
}

import Foundation
import Provisioning
import Panel
import Settings
import Testing

@Suite struct BoardFilesTests {
    @Test("A machine of which nothing is said asks the network, and Debian's time servers")
    func nothing() {
        for board in [nil, BoardOptions()] {
            let files = BoardFiles(board)
            #expect(files.network == "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n")
            #expect(files.timeSources == "pool 2.debian.pool.ntp.org iburst\n" && files.hostName == nil)
            #expect(files.updates == nil && files.journal == nil && files.metrics == nil)
        }
    }

    @Test("What is said is written as networkd and chrony read it")
    func everything() throws {
        let files = BoardFiles(
            BoardOptions(
                hostName: "kiosk-07", fixedAddress: .init(address: "192.0.2.10/24", gateway: "192.0.2.1"),
                nameServers: ["192.0.2.53", "2001:db8::53"], timeServers: ["ntp.lib.example", "192.0.2.123"],
                updates: .init(
                    url: "https://updates.example/kazashi.raucb", hours: try #require(HoursOfDay("23:05-04:30"))),
                watchers: .init(
                    journal: "https://log.example",
                    metrics: .init(file: "/run/kazashi/kazashi.prom", url: "https://push.example")),
                serverCA: "/etc/kazashi/ca.pem"))
        #expect(
            files.network
                == "[Match]\nType=ether\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.53\nDNS=2001:db8::53\n"
        )
        #expect(files.timeSources == "server ntp.lib.example iburst minpoll 4\nserver 192.0.2.123 iburst minpoll 4\n")
        #expect(files.updates == "https://updates.example/kazashi.raucb\n2305 0430\n/etc/kazashi/ca.pem\n")
        #expect(files.metrics == "/run/kazashi/kazashi.prom\nhttps://push.example\n/etc/kazashi/ca.pem\n")
        #expect(
            files.journal
                == "[Upload]\nURL=https://log.example\nServerKeyFile=-\nServerCertificateFile=-\nTrustedCertificateFile=/etc/kazashi/ca.pem\n"
        )
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try files.write(in: folder)
        #expect(try String(contentsOfFile: folder + "/host-name", encoding: .utf8) == "kiosk-07\n")
        #expect(try String(contentsOfFile: folder + "/board.network", encoding: .utf8) == files.network)
        #expect(try String(contentsOfFile: folder + "/board.sources", encoding: .utf8) == files.timeSources)
        #expect(try String(contentsOfFile: folder + "/updates", encoding: .utf8) == files.updates)
        #expect(try String(contentsOfFile: folder + "/journal", encoding: .utf8) == files.journal)
        #expect(try String(contentsOfFile: folder + "/metrics", encoding: .utf8) == files.metrics)
    }
}

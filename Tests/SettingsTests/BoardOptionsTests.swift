import Panel
import Settings
import Testing

@Suite struct BoardOptionsTests {
    private func board(_ lines: String) throws -> BoardOptions {
        try ConfigurationFixture().load(adding: "[board]\n" + lines + "\n").board
    }

    @Test("What a technician writes of the machine is taken as written; without it the network says it")
    func taken() throws {
        #expect(
            try board("")
                == BoardOptions())
        #expect(
            try board(
                """
                host_name = "kiosk-07.lib.example"
                address = "192.0.2.10/24"
                gateway = "192.0.2.1"
                name_servers = ["192.0.2.53", "2001:db8::53"]
                time_servers = ["ntp.lib.example", "192.0.2.123"]
                """)
                == BoardOptions(
                    hostName: "kiosk-07.lib.example",
                    fixedAddress: .init(address: "192.0.2.10/24", gateway: "192.0.2.1"),
                    nameServers: ["192.0.2.53", "2001:db8::53"], timeServers: ["ntp.lib.example", "192.0.2.123"]))
        #expect(try board(#"address = "2001:db8::7/64""#).fixedAddress?.address == "2001:db8::7/64")
        #expect(try board(#"address = "dhcp""#).fixedAddress == nil)
        #expect(
            try board(#"update_url = "https://updates.example/kazashi.raucb""#).updates
                == .init(
                    url: "https://updates.example/kazashi.raucb", hours: try #require(HoursOfDay("01:00-05:00"))))
        let watched = try ConfigurationFixture().load(
            "[service]", "[service]\nmetrics = \"/run/kazashi/kazashi.prom\"",
            adding: """

                [board]
                journal_url = "http://log.lib.example:19532"
                metrics_url = "https://push.lib.example/metrics/job/kazashi/instance/kiosk-07"
                """
        ).board
        #expect(
            watched.watchers
                == .init(
                    journal: "http://log.lib.example:19532",
                    metrics: .init(
                        file: "/run/kazashi/kazashi.prom",
                        url: "https://push.lib.example/metrics/job/kazashi/instance/kiosk-07")))
    }

    @Test(
        "What is no name and no address is named by its key",
        arguments: [
            (#"host_name = """#, "host_name"), (#"host_name = "kiosk_07""#, "host_name"),
            (#"host_name = "-kiosk""#, "host_name"), (#"host_name = "a..b""#, "host_name"),
            (#"host_name = "\#(String(repeating: "a", count: 65))""#, "host_name"),
            (#"address = "192.0.2.10""#, "address"), (#"address = "192.0.2.10/33""#, "address"),
            (#"address = "192.0.2.10/0""#, "address"), (#"address = "2001:db8::7/129""#, "address"),
            (#"address = "192.0.2.10/24\nGateway=192.0.2.66""#, "address"),
            (#"gateway = "192.0.2.1""#, "gateway"),
            ("address = \"192.0.2.10/24\"\ngateway = \"there\"", "gateway"),
            ("address = \"192.0.2.10/24\"\ngateway = \"2001:db8::1\"", "gateway"),
            (#"name_servers = ["ns.lib.example"]"#, "name_servers"),
            (#"update_url = "http://updates.example/kazashi.raucb""#, "update_url"),
            (#"update_url = "https://""#, "update_url"),
            (#"update_url = "https://updates.example/a b""#, "update_url"),
            (#"update_url = "https://updates.example/a\nb""#, "update_url"),
            (#"update_hours = "01:00-05:00""#, "update_hours"),
            ("update_url = \"https://updates.example\"\nupdate_hours = \"at night\"", "update_hours"),
            ("update_url = \"https://updates.example\"\nserver_ca = \"nowhere.pem\"", "server_ca"),
            (#"server_ca = "nowhere.pem""#, "server_ca"),
            (#"journal_url = "log.lib.example:19532""#, "journal_url"),
            (#"journal_url = "https://log.lib.example/\nURL=https://elsewhere""#, "journal_url"),
            (#"metrics_url = "https://push.lib.example/\"a""#, "metrics_url"),
            (#"metrics_url = "https://push.lib.example""#, "metrics_url"),
            (#"time_servers = ["ntp.lib.example iburst"]"#, "time_servers"),
        ])
    func refused(lines: String, key: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try board(lines) }
        #expect(error?.kind == .wrongValue && error?.place == .key("board.\(key)"))
    }
}

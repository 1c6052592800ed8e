internal import Files
internal import Glibc
package import Panel

/// `[board]`: the machine that the appliance's image runs on. A kiosk on a system of somebody's own leaves it alone.
package struct BoardOptions: Equatable, Sendable {
    /// An address that a technician writes down.
    package struct FixedAddress: Equatable, Sendable {
        /// With the length of its network: `192.0.2.10/24`.
        package let address: String
        package let gateway: String?

        package init(address: String, gateway: String?) { (self.address, self.gateway) = (address, gateway) }
    }

    /// Where newer systems are fetched from.
    package struct UpdateSource: Equatable, Sendable {
        /// Of a bundle (RAUC); https.
        package let url: String
        /// In which it is looked at, and the board may start anew.
        package let hours: HoursOfDay

        package init(url: String, hours: HoursOfDay) { (self.url, self.hours) = (url, hours) }
    }

    /// Where what a fleet's watchers need is sent. It names nobody, so http will do.
    package struct Watchers: Equatable, Sendable {
        /// Of a systemd-journal-remote; nil: the journal stays here.
        package let journal: String?
        /// A metrics file, and the URL at which it is put (HTTP PUT); nil: they stay here.
        package let metrics: Metrics?

        package init(journal: String? = nil, metrics: Metrics? = nil) {
            (self.journal, self.metrics) = (journal, metrics)
        }
    }

    package struct Metrics: Equatable, Sendable {
        package let file: String
        package let url: String

        package init(file: String, url: String) { (self.file, self.url) = (file, url) }
    }

    /// RFC 1123, 2.1; nil: the image's own.
    package let hostName: String?
    /// Nil: from the network's own server (DHCP, or IPv6's router advertisements).
    package let fixedAddress: FixedAddress?
    package let nameServers: [String]
    /// Names or addresses; none: Debian's.
    package let timeServers: [String]
    /// Nil: sticks only.
    package let updates: UpdateSource?
    package let watchers: Watchers
    /// Of servers that the system's own CAs do not know: the path of their CA's certificate (PEM).
    package let serverCA: String?

    package init(
        hostName: String? = nil, fixedAddress: FixedAddress? = nil, nameServers: [String] = [],
        timeServers: [String] = [], updates: UpdateSource? = nil, watchers: Watchers = Watchers(),
        serverCA: String? = nil
    ) {
        (self.hostName, self.fixedAddress) = (hostName, fixedAddress)
        (self.nameServers, self.timeServers, self.updates) = (nameServers, timeServers, updates)
        (self.watchers, self.serverCA) = (watchers, serverCA)
    }
}

extension ConfigurationReader {
    /// - Parameter metrics: the file of `service.metrics`.
    func board(_ written: ConfigurationFile.Board?, metrics: String?) throws(ConfigurationError) -> BoardOptions {
        if let name = written?.host_name, !Self.isHostName(name) || name.utf8.count > 64 {
            throw wrong("board.host_name", "must be letters, digits, hyphens and dots, 64 at the most")
        }
        let address = written?.address ?? "dhcp"
        guard address == "dhcp" || Self.isNetworkAddress(address) else {
            throw wrong("board.address", #"must be "dhcp" or an address with its length, such as "192.0.2.10/24""#)
        }
        if let gateway = written?.gateway {
            guard Self.isAddress(gateway) else { throw wrong("board.gateway", "must be an address") }
            guard address != "dhcp" else { throw wrong("board.gateway", "comes with a fixed board.address only") }
            guard gateway.contains(":") == address.contains(":") else {
                throw wrong("board.gateway", "must be of the same kind as board.address (IPv4 or IPv6)")
            }
        }
        let nameServers = written?.name_servers ?? []
        guard nameServers.allSatisfy(Self.isAddress) else {
            throw wrong("board.name_servers", "must be addresses")
        }
        let timeServers = written?.time_servers ?? []
        guard timeServers.allSatisfy({ Self.isAddress($0) || Self.isHostName($0) }) else {
            throw wrong("board.time_servers", "must be names or addresses")
        }
        return BoardOptions(
            hostName: written?.host_name,
            fixedAddress: address == "dhcp"
                ? nil : BoardOptions.FixedAddress(address: address, gateway: written?.gateway),
            nameServers: nameServers, timeServers: timeServers, updates: try updates(written),
            watchers: try watchers(written, metrics: metrics), serverCA: try serverCA(written))
    }

    private func updates(_ written: ConfigurationFile.Board?) throws(ConfigurationError) -> BoardOptions.UpdateSource? {
        guard let url = written?.update_url else {
            guard written?.update_hours == nil else {
                throw wrong("board.update_hours", "comes with board.update_url only")
            }
            return nil
        }
        guard Self.isURL(url, ["https"]) else { throw wrong("board.update_url", "must be an https:// address") }
        guard let hours = HoursOfDay(written?.update_hours ?? "01:00-05:00") else {
            throw wrong("board.update_hours", #"must be hours such as "01:00-05:00""#)
        }
        return BoardOptions.UpdateSource(url: url, hours: hours)
    }

    private func watchers(_ written: ConfigurationFile.Board?, metrics: String?) throws(ConfigurationError)
        -> BoardOptions.Watchers
    {
        for (key, url) in [("journal_url", written?.journal_url), ("metrics_url", written?.metrics_url)] {
            guard let url else { continue }
            guard Self.isURL(url, ["https", "http"]) else {
                throw wrong("board.\(key)", "must be an https:// or http:// address")
            }
        }
        guard let url = written?.metrics_url else { return BoardOptions.Watchers(journal: written?.journal_url) }
        guard let metrics else { throw wrong("board.metrics_url", "comes with service.metrics only") }
        return BoardOptions.Watchers(
            journal: written?.journal_url, metrics: BoardOptions.Metrics(file: metrics, url: url))
    }

    private func serverCA(_ written: ConfigurationFile.Board?) throws(ConfigurationError) -> String? {
        guard let ca = written?.server_ca.map(resolve) else { return nil }
        guard written?.update_url != nil || written?.journal_url != nil || written?.metrics_url != nil else {
            throw wrong("board.server_ca", "comes with an update_url, journal_url or metrics_url only")
        }
        guard readFile(ca) != nil else { throw wrong("board.server_ca", "\(ca) cannot be read") }
        return ca
    }

    /// It is handed to programs as a word of their own, and written into files of theirs: printable ASCII without what means
    /// something there.
    private static func isURL(_ text: String, _ schemes: [String]) -> Bool {
        schemes.contains { text.hasPrefix($0 + "://") && text.utf8.count > $0.utf8.count + 3 }
            && text.utf8.count <= 2_000
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && ![0x22, 0x27, 0x5C].contains($0) }
    }

    private static func isAddress(_ text: String) -> Bool {
        var room = in6_addr()
        return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1
    }

    private static func isNetworkAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isAddress(parts[0]), let length = Int(parts[1]) else { return false }
        return (1...(parts[0].contains(":") ? 128 : 32)).contains(length)
    }

    private static func isHostName(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            }
    }
}

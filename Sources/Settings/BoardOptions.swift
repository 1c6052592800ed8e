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
        /// Of a server that the system's own CAs do not know: the path of its CA's certificate (PEM).
        package let ca: String?

        package init(url: String, hours: HoursOfDay, ca: String?) { (self.url, self.hours, self.ca) = (url, hours, ca) }
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

    package init(
        hostName: String? = nil, fixedAddress: FixedAddress? = nil, nameServers: [String] = [],
        timeServers: [String] = [], updates: UpdateSource? = nil
    ) {
        (self.hostName, self.fixedAddress) = (hostName, fixedAddress)
        (self.nameServers, self.timeServers, self.updates) = (nameServers, timeServers, updates)
    }
}

extension ConfigurationReader {
    func board(_ written: ConfigurationFile.Board?) throws(ConfigurationError) -> BoardOptions {
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
            nameServers: nameServers, timeServers: timeServers, updates: try updates(written))
    }

    private func updates(_ written: ConfigurationFile.Board?) throws(ConfigurationError) -> BoardOptions.UpdateSource? {
        guard let url = written?.update_url else {
            for (key, value) in [("update_hours", written?.update_hours), ("update_ca", written?.update_ca)]
            where value != nil {
                throw wrong("board.\(key)", "comes with board.update_url only")
            }
            return nil
        }
        // It is handed to programs as a word of their own: printable ASCII only.
        guard url.hasPrefix("https://"), url.utf8.count > "https://".utf8.count, url.utf8.count <= 2_000,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw wrong("board.update_url", "must be an https:// address") }
        guard let hours = HoursOfDay(written?.update_hours ?? "01:00-05:00") else {
            throw wrong("board.update_hours", #"must be hours such as "01:00-05:00""#)
        }
        let ca = written?.update_ca.map(resolve)
        if let ca, readFile(ca) == nil { throw wrong("board.update_ca", "\(ca) cannot be read") }
        return BoardOptions.UpdateSource(url: url, hours: hours, ca: ca)
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

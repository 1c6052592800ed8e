internal import Files
package import Settings

/// What `[board]` says, in the words of those who do it: systemd-networkd and chrony. All of it lies in memory.
package struct BoardFiles: Equatable, Sendable {
    /// A .network file (systemd.network(5)).
    package let network: String
    /// A .sources file (chrony.conf(5), `sourcedir`).
    package let timeSources: String
    /// Nil: the image's own.
    package let hostName: String?

    /// - Parameter board: nil where there are no settings: as if it said nothing.
    package init(_ board: BoardOptions?) {
        var lines = ["[Match]", "Type=ether", "", "[Network]"]
        if let fixed = board?.fixedAddress {
            lines.append("Address=\(fixed.address)")
            if let gateway = fixed.gateway { lines.append("Gateway=\(gateway)") }
        } else {
            lines.append("DHCP=yes")
        }
        lines += (board?.nameServers ?? []).map { "DNS=\($0)" }
        network = lines.joined(separator: "\n") + "\n"
        let servers = board?.timeServers ?? []
        timeSources =
            servers.isEmpty
            ? "pool 2.debian.pool.ntp.org iburst\n" : servers.map { "server \($0) iburst\n" }.joined()
        hostName = board?.hostName
    }

    /// Writes them below a folder: `board.network`, `board.sources`, `host-name`.
    /// - Throws: `unwritable`.
    package func write(in folder: String) throws {
        try DurableFile.publish(folder + "/board.network", Array(network.utf8))
        try DurableFile.publish(folder + "/board.sources", Array(timeSources.utf8))
        if let hostName { try DurableFile.publish(folder + "/host-name", Array((hostName + "\n").utf8)) }
    }
}

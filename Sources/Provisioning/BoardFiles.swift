internal import Files
internal import Glibc
internal import Panel
package import Settings

/// What `[board]` says, in the words of those who do it: systemd-networkd and chrony. All of it lies in memory.
package struct BoardFiles: Equatable, Sendable {
    /// A .network file (systemd.network(5)).
    package let network: String
    /// A .sources file (chrony.conf(5), `sourcedir`).
    package let timeSources: String
    /// Nil: the image's own.
    package let hostName: String?
    /// Three lines: where from, in which hours (`0100 0500`), with which CA (may be empty). Nil: from nowhere.
    package let updates: String?
    /// A drop-in of journal-upload.conf(5). Nil: nothing is uploaded.
    package let journal: String?
    /// Three lines: the file, where to, with which CA (may be empty). Nil: to nowhere.
    package let metrics: String?

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
        // A server of the site's is asked every 16 seconds at first: a board may be switched on before it, or before the network.
        let servers = board?.timeServers ?? []
        timeSources =
            servers.isEmpty
            ? "pool 2.debian.pool.ntp.org iburst\n" : servers.map { "server \($0) iburst minpoll 4\n" }.joined()
        hostName = board?.hostName
        updates = board?.updates.map {
            "\($0.url)\n\($0.hours.clock.from) \($0.hours.clock.to)\n\(board?.serverCA ?? "")\n"
        }
        journal = board?.watchers.journal.map { url in
            // A hyphen: it shows no certificate of its own. Without a CA of the site's it knows those that Debian does.
            """
            [Upload]
            URL=\(url)
            ServerKeyFile=-
            ServerCertificateFile=-
            TrustedCertificateFile=\(board?.serverCA ?? "/etc/ssl/certs/ca-certificates.crt")

            """
        }
        metrics = board?.watchers.metrics.map { "\($0.file)\n\($0.url)\n\(board?.serverCA ?? "")\n" }
    }

    /// Writes them below a folder: `board.network`, `board.sources`, `host-name`, `updates`, `journal`, `metrics`.
    /// - Throws: `unwritable`.
    package func write(in folder: String) throws {
        try DurableFile.publish(folder + "/board.network", Array(network.utf8))
        try DurableFile.publish(folder + "/board.sources", Array(timeSources.utf8))
        for (name, text) in [
            ("updates", updates), ("journal", journal), ("metrics", metrics), ("host-name", hostName.map { $0 + "\n" }),
        ] {
            let file = folder + "/" + name
            // Other settings may have been there before.
            if let text { try DurableFile.publish(file, Array(text.utf8)) } else { unlink(file) }
        }
    }
}

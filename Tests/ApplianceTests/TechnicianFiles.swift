import Foundation
import Pilot

/// What a technician puts onto `setup` for the pilot's library, which listens on the machine that QEMU runs on.
struct TechnicianFiles {
    let cards: PilotCards
    /// The library's.
    let port: UInt16
    var language = "en"
    /// Below `[board]`.
    var board = ""
    /// Below `[service]`.
    var service = ""

    /// The pilot's configuration as it reads on the appliance.
    func configuration() throws -> String {
        var text = try String(contentsOfFile: cards.folder.configuration, encoding: .utf8)
        for (old, new) in [
            ("state = \"state\"", "state = \"/var/lib/kazashi\"\nlanguage = \"\(language)\""),
            ("\"storage.key\"", "\"credential:storage.key\""),
            ("\"kiosk-es256.pem\"", "\"credential:kiosk-es256.pem\""), ("\"Virtual PCD 00 00\"", "\"\""),
            ("\"status.sock\"", "\"/run/kazashi/status.sock\""), ("\"terminal\"", "\"cd5220:/dev/ttyUSB0\""),
        ] {
            guard text.contains(old) else { throw FlashedDisk.Problem(description: "no \(old) in \(text)") }
            text = text.replacing(old, with: new)
        }
        text.replace(
            #/url = "http:[^"]*"/#, with: "url = \"http://10.0.2.2:\(port)/events\"\nallow_plain_http = true")
        // Another library, which nobody is registered with, and its secret.
        text.replace(
            "[service]",
            with: """
                [[library]]
                name = "branch"
                required = false
                audience = "https://branch.example"
                url = "udp://10.0.2.2:9"
                suite = "direct"
                shared_key = "credential:branch.jwk"

                [board]
                \(board)

                [service]
                \(service)
                """)
        return text
    }

    func put(on disk: FlashedDisk) async throws {
        for name in ["anchors", "card-anchors.json", "crl", "central.jwk", "central-sign.jwk", "registrations.json"] {
            try await disk.put(cards.folder.path + "/" + name)
        }
        try await disk.write(
            String(contentsOfFile: cards.folder.path + "/central-shared.jwk", encoding: .utf8), to: "branch.jwk")
        // As Notepad saves it.
        try await disk.write(
            "\u{FEFF}" + configuration().replacing("\n", with: "\r\n"), to: "kazashi.toml.txt")
    }
}

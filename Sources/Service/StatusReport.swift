internal import FoundationEssentials

/// What a running kiosk says of itself. No identity is in it, and no name but those of its configuration.
package struct StatusReport: Codable, Sendable {
    package struct Reader: Codable, Sendable {
        package let service: Bool
        package let reader: Bool
        /// A blocked exchange holds it.
        package let held: Bool
        /// The one in use; null: none.
        package let name: String?
        /// What pcscd has beside it, slots of the same reader too.
        package let others: [Other]

        package struct Other: Codable, Sendable {
            package let name: String
            /// A card lies on it.
            package let card: Bool
            package init(name: String, card: Bool) { (self.name, self.card) = (name, card) }
        }

        package init(service: Bool, reader: Bool, held: Bool, name: String?, others: [Other]) {
            (self.service, self.reader, self.held, self.name, self.others) = (service, reader, held, name, others)
        }
    }
    package struct Lists: Codable, Sendable {
        package let served: Int
        package let entries: Int
        /// Seconds since the newest was issued; null without one, or without a time to believe.
        package let age: Int64?
        /// Seconds until the first and the last of them run out; negative: it has.
        package let firstEnds: Int64?
        package let lastEnds: Int64?
        package init(served: Int, entries: Int, age: Int64?, firstEnds: Int64?, lastEnds: Int64?) {
            (self.served, self.entries, self.age, self.firstEnds, self.lastEnds) = (
                served, entries, age, firstEnds, lastEnds
            )
        }
    }
    package struct Library: Codable, Sendable {
        package let name: String
        /// Seconds since its last acknowledgement, since the start; null: there was none.
        package let acknowledged: Int64?
        /// What it is owed.
        package let owed: Int
        package init(name: String, acknowledged: Int64?, owed: Int) {
            (self.name, self.acknowledged, self.owed) = (name, acknowledged, owed)
        }
    }
    package struct Part: Codable, Sendable {
        package let part: String
        /// `well`, `stuck`, or the fault's code.
        package let condition: String
        package init(part: String, condition: String) {
            (self.part, self.condition) = (part, condition)
        }
    }

    package let version: String
    package let kiosk: String
    /// `ready` or `out_of_service`; while a card lies there what it was before.
    package let state: String
    package let cause: String?
    /// The short code on the display.
    package let code: String?
    /// Seconds in this state.
    package let since: Int64
    /// Seconds since the start.
    package let uptime: Int64
    /// Null while nobody looked for one: the kiosk stands by.
    package let reader: Reader?
    package let lists: Lists
    package let libraries: [Library]
    /// Libraries that left the configuration and are owed something; nothing of it is sent.
    package let unconfigured: [Library]
    package let panel: [Part]
    /// By code, since the start.
    package let taps: [String: Int]
    package let test: Bool
    /// `Configuration.fingerprint` of what it runs with; null while it runs with none.
    package let configuration: String?
    /// Which of the appliance's systems runs; null where it is not the image.
    package let system: RunningSlot?

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(self)).map { Array($0) } ?? []) + [0x0A]
    }

    /// - Throws: `StatusError.malformed`.
    package init(json: [UInt8]) throws(StatusError) {
        do {
            self = try JSONDecoder().decode(StatusReport.self, from: Data(json))
        } catch {
            throw .malformed
        }
    }

    package init(
        kiosk: String, state: String, cause: String?, code: String?, since: Int64, uptime: Int64, reader: Reader?,
        lists: Lists, libraries: [Library], unconfigured: [Library], panel: [Part], taps: [String: Int], test: Bool,
        configuration: String?, system: RunningSlot? = RunningSlot()
    ) {
        version = KazashiVersion.text
        (self.kiosk, self.state, self.cause, self.code) = (kiosk, state, cause, code)
        (self.since, self.uptime, self.reader, self.lists) = (since, uptime, reader, lists)
        (self.libraries, self.unconfigured) = (libraries, unconfigured)
        (self.panel, self.taps, self.test) = (panel, taps, test)
        (self.configuration, self.system) = (configuration, system)
    }
}

package enum StatusError: String, Error, Sendable {
    /// Nobody listens there: the kiosk does not run.
    case notRunning = "not_running"
    /// The rights do not reach.
    case refused
    /// It did not answer in time.
    case silent
    case malformed
}

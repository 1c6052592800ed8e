internal import Files
internal import FoundationEssentials

/// Which of the appliance's two slots runs, and in whose place. The image writes it at every start; a kiosk on a system of
/// somebody's own has none.
package struct RunningSlot: Codable, Equatable, Sendable {
    /// A system that should have run and did not in three tries.
    package struct Other: Codable, Equatable, Sendable {
        package let slot: String
        package let version: String
        /// It was marked good before: then it was the power or the disk, not the update.
        package let wasGood: Bool

        package init(slot: String, version: String, wasGood: Bool) {
            (self.slot, self.version, self.wasGood) = (slot, version, wasGood)
        }
    }

    /// A or B.
    package let slot: String
    package let version: String
    /// It has not been marked good yet.
    package let isOnTrial: Bool
    /// Its updates are those of a CA that somebody made to try the image with.
    package let takesTestUpdates: Bool
    package let insteadOf: Other?

    package init(
        slot: String, version: String, isOnTrial: Bool = false, takesTestUpdates: Bool = false, insteadOf: Other? = nil
    ) {
        (self.slot, self.version, self.isOnTrial) = (slot, version, isOnTrial)
        (self.takesTestUpdates, self.insteadOf) = (takesTestUpdates, insteadOf)
    }

    /// The image's.
    package static let file = "/run/kazashi-board/slot.json"

    /// Nil where there is none, or it is another version's.
    package init?(file: String = RunningSlot.file) {
        guard let bytes = readFile(file), let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            return nil
        }
        self = read
    }
}

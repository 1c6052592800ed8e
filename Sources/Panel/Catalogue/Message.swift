/// Everything a patron is ever told. Account problems share one neutral message: never a name, a number or "blocked".
package enum Message: Hashable, Sendable {
    case ready
    case holdStill
    case pleaseWait
    case welcome
    case takeCard
    case tryAgain
    /// A chip answered, and not well: thick cases and stacked cards do that.
    case tryWithoutCase
    case notThisCard
    case seeTheCounter
    case networkError
    /// With a short code that the operate.md explains to staff.
    case outOfService(OutOfServiceCode)
    /// For the technician who switched the board on: what they put on the partition `setup` does not serve, and why.
    case setup(SetupCode, line: Int?)
    /// For whoever asked for it: keys and registrations are gone.
    case wasReset
    /// For whoever plugged a stick in: a newer system is being written.
    case updating
    /// It runs: the stick can be pulled out.
    case updated
    /// It does not, and why.
    case update(UpdateFault)
    /// Nobody is behind the panel any more.
    case stopped

    package static let all: [Message] =
        [
            .ready, .holdStill, .pleaseWait, .welcome, .takeCard, .tryAgain, .tryWithoutCase, .notThisCard,
            .seeTheCounter, .networkError, .stopped, .wasReset, .updating, .updated,
        ] + OutOfServiceCode.allCases.map { .outOfService($0) } + SetupCode.allCases.map { .setup($0, line: nil) }
        + UpdateFault.allCases.map { .update($0) }
}

/// Short codes of why a kiosk takes no taps.
package enum OutOfServiceCode: String, Hashable, Sendable, CaseIterable {
    /// Settings (設定).
    case configuration = "S1"
    case clock = "C1"
    case reader = "R1"
    case cardService = "R2"
    case revocation = "L1"
    case registry = "D1"
    case storage = "D2"
}

/// Short codes of what is wrong with what a technician put on the appliance's partition `setup`.
package enum SetupCode: String, Hashable, Sendable, CaseIterable {
    case unreadable = "U1"
    case missing = "U2"
    /// With its line where that is certain.
    case wrong = "U3"
    case tooLarge = "U4"
    /// The data partition does not take it.
    case notKept = "U5"
    /// The settings serve; the report finds no room.
    case unwritable = "U6"
    /// A reset was asked for, and could not be made.
    case notReset = "U7"
}

/// Short codes of why the appliance does not run a newer system.
package enum UpdateFault: String, Hashable, Sendable, CaseIterable {
    /// Its signature is not that of the image's CA, or it is another board's.
    case notBelieved = "V1"
    /// It is no newer than what runs, or than what ran.
    case notNewer = "V2"
    /// It was tried on this board before.
    case triedBefore = "V3"
    /// It could not be read to its end, or not be written.
    case notInstalled = "V4"
    /// It was tried, and the other slot runs again.
    case fellBack = "V5"
    /// It was good before, and did not start in three tries: the other slot runs.
    case didNotStart = "V6"
}

/// The words of a message, in half-width katakana and English.
package enum Phrase: Hashable, Sendable {
    /// A row in each language.
    case rows(japanese: String, english: String)
    /// Two rows in one language, then in the other.
    case turns(japanese: [String], english: [String])

    /// The smallest display: 2×16.
    package static let mostCells = 16

    package var texts: [String] {
        switch self {
        case .rows(let japanese, let english): [japanese, english]
        case .turns(let japanese, let english): japanese + english
        }
    }
}

/// One message as a patron meets it: words, light and sound. A message is a case and one row here.
package struct Showing: Hashable, Sendable {
    /// For people who make tables and pictures of it.
    package let name: String
    package let phrase: Phrase
    /// Where and in which pattern: each message's light is told from the others' without seeing colours. Nothing flashes
    /// faster than 3 Hz.
    package let light: Score<Lamps>
    /// Told apart by rhythm (JIS S 0013); nil: silence. Nothing sounds before the outcome, so that no tone is ever taken
    /// for a welcome.
    package let sound: Score<Tone>?

    fileprivate init(_ name: String, _ phrase: Phrase, _ light: Score<Lamps>, _ sound: Score<Tone>? = nil) {
        (self.name, self.phrase, self.light, self.sound) = (name, phrase, light, sound)
    }
}

extension Message {
    package var showing: Showing {
        switch self {
        case .ready:
            Showing(
                "ready", .turns(japanese: ["ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ", "ｶｻﾞｼﾃｸﾀﾞｻｲ"], english: ["My Number Card", "Hold here"]),
                .steady(.left))
        case .holdStill:
            Showing("hold-still", .rows(japanese: "ｳｺﾞｶｻﾅｲﾃﾞｸﾀﾞｻｲ", english: "Hold still"), .blinking(.left))
        case .pleaseWait:
            Showing("please-wait", .rows(japanese: "ｼﾊﾞﾗｸｵﾏﾁｸﾀﾞｻｲ", english: "Please wait"), .blinking(.left))
        case .welcome:
            Showing("welcome", .rows(japanese: "ｶｸﾆﾝｼﾏｼﾀ", english: "Card accepted"), .steady(.middle), .welcome)
        case .takeCard:
            Showing(
                "take-card", .rows(japanese: "ｶｰﾄﾞｦｵﾄﾘｸﾀﾞｻｲ", english: "Take your card"), .swinging, .reminder)
        case .tryAgain:
            Showing(
                "try-again", .rows(japanese: "ﾓｳｲﾁﾄﾞｶｻﾞｼﾃｸﾀﾞｻｲ", english: "Please try again"), .blinking(.right), .again)
        case .tryWithoutCase:
            Showing(
                "try-without-case", .rows(japanese: "ｹｰｽｶﾗﾀﾞｼﾃ ﾓｳｲﾁﾄﾞ", english: "Try without case"), .blinking(.right),
                .again)
        case .notThisCard:
            Showing("not-this-card", .rows(japanese: "ﾁｶﾞｳｶｰﾄﾞﾃﾞｽ", english: "Wrong card"), .blinking(.right), .again)
        case .seeTheCounter:
            Showing(
                "see-the-counter", .rows(japanese: "ｶｳﾝﾀｰﾍﾄﾞｳｿﾞ", english: "Please see staff"), .steady(.right), .staff)
        case .networkError:
            Showing(
                "network-error", .rows(japanese: "ﾂｳｼﾝｴﾗｰ ｶｳﾝﾀｰﾍ", english: "Error: see staff"), .steady(.right), .staff
            )
        case .stopped: Showing("stopped", .rows(japanese: "ﾘﾖｳﾃﾞｷﾏｾﾝ", english: "Unavailable"), .steady([]))
        case .setup(let code, let line):
            Showing(
                "setup-\(code.rawValue.lowercased())",
                .rows(
                    japanese: "ｾｯﾃｲﾌｧｲﾙ \(code.rawValue)" + (line.map { " \(min($0, 9_999))" } ?? ""),
                    english: "Setup \(code.rawValue)" + (line.map { " L\(min($0, 9_999))" } ?? "")), .glowing)
        case .wasReset: Showing("was-reset", .rows(japanese: "ｼｮｷｶｼﾏｼﾀ", english: "Reset done"), .glowing)
        case .updating:
            Showing(
                "updating", .rows(japanese: "ｺｳｼﾝﾁｭｳ ｵﾏﾁｸﾀﾞｻｲ", english: "Updating: wait"), .glowing)
        case .updated: Showing("updated", .rows(japanese: "ｺｳｼﾝｼﾏｼﾀ", english: "Updated"), .glowing)
        case .update(let fault):
            Showing(
                "update-\(fault.rawValue.lowercased())",
                .rows(japanese: "ｺｳｼﾝ ｴﾗｰ \(fault.rawValue)", english: "Update error \(fault.rawValue)"), .glowing)
        case .outOfService(let code):
            Showing(
                "out-of-service-\(code.rawValue.lowercased())",
                .rows(japanese: "ﾘﾖｳﾃﾞｷﾏｾﾝ \(code.rawValue)", english: "Unavailable \(code.rawValue)"), .glowing)
        }
    }

    package var name: String { showing.name }
    package var phrase: Phrase { showing.phrase }
    package var light: Score<Lamps> { showing.light }
    package var sound: Score<Tone>? { showing.sound }
}

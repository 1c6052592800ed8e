internal import Logging
internal import Login
package import Panel
internal import Registry

/// What the journal tells of beside taps and the state, with what to do about it. The README's table is made of it.
package enum JournalCode: String, Sendable, CaseIterable {
    case cardLeft = "card_left"
    case noToken = "no_token"
    case owedWaits = "owed_waits"
    case owedRefused = "owed_refused"
    case owedExpired = "owed_expired"
    case owedDamaged = "owed_damaged"
    case outboxUnavailable = "outbox_unavailable"
    case listsWillRunOut = "lists_will_run_out"
    case listsRanOut = "lists_ran_out"
    case listSourceMissing = "list_source_missing"
    case listMemory = "list_memory"
    case listForgotten = "list_forgotten"
    case listAhead = "list_ahead"
    case listNumbersRebuilt = "list_numbers_rebuilt"
    case anchorLeftOut = "anchor_left_out"
    case signingKeyUnreadable = "signing_key_unreadable"
    case timeNotStored = "time_not_stored"
    case clockUnknown = "clock_unknown"
    case metricsNotWritten = "metrics_not_written"
    case statusUnavailable = "status_unavailable"
    case coreDumpsAllowed = "core_dumps_allowed"

    /// What happened, as the journal has it.
    package var meaning: String {
        switch self {
        case .cardLeft: "a card was left on the reader"
        case .noToken: "no token could be made"
        case .owedWaits: "owed events wait"
        case .owedRefused: "an owed event was refused for good and is dropped"
        case .owedExpired: "an owed event is dropped after thirty days"
        case .owedDamaged: "an owed event was damaged and is dropped"
        case .outboxUnavailable: "the outbox can not be read or written"
        case .listsWillRunOut: "revocation lists will run out"
        case .listsRanOut: "revocation lists have run out"
        case .listSourceMissing: "a source of lists is not there"
        case .listMemory: "what was taken from where could not be stored"
        case .listForgotten: "an operator made the store forget a list and its number"
        case .listAhead: "a list in the store lies ahead of the clock"
        case .listNumbersRebuilt: "the memory of CRL numbers was damaged and is made anew"
        case .anchorLeftOut: "a file among the anchors holds no certificate and is left out"
        case .signingKeyUnreadable: "the signing key can not be read again"
        case .timeNotStored: "the time could not be stored"
        case .clockUnknown: "the kernel can not be asked whether the clock is synchronised"
        case .metricsNotWritten: "the metrics can not be written"
        case .statusUnavailable: "nobody can ask for the status"
        case .coreDumpsAllowed: "core dumps could not be forbidden"
        }
    }

    package var advice: OperatorAdvice {
        switch self {
        case .cardLeft: .cardLeft
        case .noToken: .libraryKey
        case .owedWaits: .owedWaits
        case .owedRefused: .owedRefused
        case .owedExpired: .owedExpired
        case .owedDamaged: .databaseDamaged
        case .outboxUnavailable: .databaseUnavailable
        case .listsWillRunOut, .listsRanOut: .listsRunOut
        case .listSourceMissing: .fileUnreadable
        case .listForgotten: .listForgotten
        case .listAhead: .listAhead
        case .listNumbersRebuilt: .numbersRebuilt
        case .listMemory, .timeNotStored: .stateFolder
        case .anchorLeftOut, .signingKeyUnreadable: .badKey
        case .clockUnknown: .clockUnknown
        case .metricsNotWritten, .statusUnavailable: .folderNotWritable
        case .coreDumpsAllowed: .coreDumps
        }
    }

    /// Every code of the journal but those of taps, states and the panel.
    package static var all: [(code: String, meaning: String, advice: OperatorAdvice)] {
        allCases.map { ($0.rawValue, $0.meaning, $0.advice) }
            + ListWords.all.map { ($0.code, $0.meaning, $0.advice) }
            + RegistryError.Code.allCases.map { ($0.rawValue, $0.meaning, RegistryError($0).advice) }
    }
}

extension Logger {
    /// One line with a code and what to do about it, in both languages.
    func note(_ code: JournalCode, at level: Level = .warning, _ more: Metadata = [:]) {
        log(level: level, "\(code.meaning)", metadata: Self.words(code.rawValue, code.advice, more))
    }

    /// The configuration can't be used.
    func note(_ error: ConfigurationError) {
        self.error(
            "the configuration can not be used",
            metadata: Self.words(Cause.configuration.rawValue, error.advice, ["seen": "\(error.seen)"]))
    }

    /// The registrations, or what is owed, could not be read or written.
    func note(_ error: RegistryError, _ text: Message) {
        self.error(text, metadata: Self.words("\(error)", error.advice))
    }

    static func words(_ code: String, _ advice: OperatorAdvice, _ more: Metadata = [:]) -> Metadata {
        more.merging(["code": "\(code)", "advice": "\(advice.english)", "対処": "\(advice.japanese)"]) { $1 }
    }
}

internal import Files
internal import FoundationEssentials
package import Panel

/// What the appliance found on its partition `setup` when it started, and what came of it. The image writes it at every start;
/// a kiosk on a system of somebody's own has none.
package struct SetupOutcome: Equatable, Sendable {
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// The technician's file serves from this start on.
        case adopted
        /// It serves already.
        case unchanged
        /// It can't be used: the last good one serves.
        case kept
        /// There has never been one that could be used.
        case none
    }

    package let result: Result
    /// What is wrong; nil: nothing.
    package let code: SetupCode?
    /// Of the technician's file, where that is certain.
    package let line: Int?
    /// For the report and the doctor; no secret and no identity is quoted.
    package let problem: String?
    /// Keys and registrations were destroyed at this start, as somebody asked for.
    package let wasReset: Bool

    package init(
        _ result: Result, _ code: SetupCode? = nil, line: Int? = nil, _ problem: String? = nil, wasReset: Bool = false
    ) {
        (self.result, self.code, self.line, self.problem) = (result, code, line, problem)
        self.wasReset = wasReset
    }

    /// Where it is written, below the folder that the image's units share.
    package static let name = "outcome.json"
    /// The image's.
    package static let file = "/run/kazashi-setup/" + name

    /// Beside it: the technician's file, where no settings serve yet; else empty.
    package static let unusableName = "unusable.toml"
    package static let unusable = "/run/kazashi-setup/" + unusableName

    /// Nil where there is none, or it is another version's.
    package init?(file: String = SetupOutcome.file) {
        guard let bytes = readFile(file), let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            return nil
        }
        self = read
    }

    /// - Throws: `unwritable`.
    package func publish(in folder: String) throws {
        try DurableFile.publish(folder + "/" + Self.name, Array(JSONEncoder().encode(self)))
    }

    /// What a display says of it; nil where nothing is wrong.
    package var message: Message? { code.map { .setup($0, line: line) } }
}

extension SetupOutcome: Codable {
    private enum CodingKeys: String, CodingKey { case result, code, line, problem, wasReset }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        result = try values.decode(Result.self, forKey: .result)
        code = try values.decodeIfPresent(String.self, forKey: .code).flatMap { SetupCode(rawValue: $0) }
        line = try values.decodeIfPresent(Int.self, forKey: .line)
        problem = try values.decodeIfPresent(String.self, forKey: .problem)
        wasReset = try values.decodeIfPresent(Bool.self, forKey: .wasReset) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(result, forKey: .result)
        try values.encodeIfPresent(code?.rawValue, forKey: .code)
        try values.encodeIfPresent(line, forKey: .line)
        try values.encodeIfPresent(problem, forKey: .problem)
        if wasReset { try values.encode(true, forKey: .wasReset) }
    }
}

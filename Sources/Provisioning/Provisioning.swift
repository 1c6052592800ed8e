internal import Files
internal import Glibc
internal import Panel
package import Settings

/// Takes what a technician put on the partition `setup`: it is looked at whole before anything of it serves, and where it can't
/// be used the last good settings serve.
package struct Provisioning: Sendable {
    /// Where secrets that lie on `setup` stand. They are encrypted to the machine before the settings that want them serve.
    package enum Secrets: String, Sendable, CaseIterable {
        /// Which there are is to be told, once the settings are found good.
        case asked
        /// They are among the credentials now.
        case taken
        /// They could not be encrypted.
        case refused
    }

    /// What came of a factory reset that somebody asked for.
    package enum Reset: String, Sendable, CaseIterable { case done, refused }

    /// What came of a start.
    package struct Result: Sendable {
        package let outcome: SetupOutcome
        /// Secrets on `setup` that the settings wait for: to be encrypted, and then to be asked again. They lie in
        /// `candidate` meanwhile.
        package let waitsFor: [String]
        /// Every secret that the settings want, which serve now.
        package let secrets: [String]
        /// The technician's file where there have never been any that could be used: its display is looked up there.
        package let unusable: [UInt8]?
    }

    private let setup: String?
    private let store: SettingsStore
    private let credentials: String
    private let secrets: Secrets
    private let lasts: Bool
    private let takesReport: Bool
    private let reset: Reset?

    /// - Parameters:
    ///   - setup: where the partition is mounted; nil: it could not be.
    ///   - kept: the folder on the data partition.
    ///   - shipped: the image's own settings.
    ///   - credentials: a folder with every secret as the service would get it: those that were taken in, and stand-ins for
    ///     the two that the machine makes itself.
    ///   - lasts: false where the data partition could not be had: keys and registrations are not there either, so the
    ///     technician's settings would serve nobody.
    ///   - takesReport: whether something can be written on `setup`.
    ///   - reset: nil: none was asked for.
    package init(
        setup: String?, kept: String, shipped: String, credentials: String, secrets: Secrets = .asked,
        lasts: Bool = true, takesReport: Bool = true, reset: Reset? = nil
    ) {
        (self.setup, self.credentials, self.secrets) = (setup, credentials, secrets)
        (self.lasts, self.takesReport, self.reset) = (lasts, takesReport, reset)
        store = SettingsStore(kept, shipped: shipped)
    }

    /// Where the credentials lie with which settings are tried.
    package var candidate: String { credentials + ".candidate" }
    /// The file that serves.
    package var serving: String { store.link + "/" + SetupFolder.file }

    package func run() -> Result {
        var waitsFor: [String] = []
        var outcome: SetupOutcome
        do throws(SetupProblem) {
            try prepare()
            guard lasts else { throw SetupProblem(.notKept) }
            let result = try take(&waitsFor)
            let code: SetupCode? = reset == .refused ? .notReset : !takesReport ? .unwritable : nil
            outcome = SetupOutcome(result, code, code.map { SetupProblem($0).text }, wasReset: reset == .done)
        } catch {
            outcome = SetupOutcome(
                store.adopted == nil ? .none : .kept, error.code, line: error.line, error.text,
                wasReset: reset == .done)
            waitsFor = []
        }
        store.tidy()
        return Result(
            outcome: outcome, waitsFor: waitsFor, secrets: (try? NamedFiles(file: serving))?.secrets ?? [],
            unusable: outcome.result == .none && outcome.code != nil ? own : nil)
    }

    private var own: [UInt8]? { setup.flatMap { try? SetupFolder($0).own() }.flatMap { readFile($0) } }

    private func prepare() throws(SetupProblem) {
        do {
            try store.prepare()
        } catch {
            throw SetupProblem(.notKept, "\(error)")
        }
        store.tidy()
    }

    private func take(_ waitsFor: inout [String]) throws(SetupProblem) -> SetupOutcome.Result {
        guard let setup else { throw SetupProblem(.unreadable) }
        let folder = SetupFolder(setup)
        let own = try folder.own()
        let named = try named(in: own)
        var fresh: [String: [UInt8]] = [:]
        for name in named.secrets { fresh[name] = try folder.secret(name) }
        if secrets == .refused, !fresh.isEmpty {
            throw SetupProblem(.notKept, "\(fresh.keys.sorted().joined(separator: ", ")) could not be encrypted")
        }
        if secrets == .taken { fresh = [:] }
        var files = try folder.files(at: named.inputs.map(\.path))
        guard let text = readFile(own) else { throw SetupProblem(.unreadable, SetupFolder.file) }
        files[SetupFolder.file] = text
        do {
            try makeCandidate(fresh)
            if fresh.isEmpty, store.serves(files) {
                try check(store.link)
                return .unchanged
            }
            let staged = try store.stage(files)
            try check(staged)
            guard fresh.isEmpty else {
                waitsFor = fresh.keys.sorted()
                return store.adopted == nil ? .none : .kept
            }
            try store.adopt(staged)
            return .adopted
        } catch let error as FilesError {
            throw SetupProblem(.notKept, "\(error)")
        } catch let error as SetupProblem {
            throw error
        } catch {
            throw SetupProblem(.notKept)
        }
    }

    /// What a file names, as far as it lies on `setup`.
    private func named(in own: String) throws(SetupProblem) -> NamedFiles {
        do throws(ConfigurationError) {
            let named = try NamedFiles(file: own)
            if let open = named.openSecrets.first {
                throw ConfigurationError(.wrongMode, file: own, place: .key(open.key), "\(open.path) is a secret")
            }
            for input in named.inputs {
                // Where lists come to that something else fetches.
                if input.key == "revocation.files", input.path.hasPrefix("/var/lib/kazashi/") { continue }
                let parts = input.path.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.hasPrefix("credential:") }),
                    parts.first?.lowercased() != SettingsStore.credentials,
                    parts.first?.lowercased() != SetupFolder.file
                else {
                    throw ConfigurationError(
                        .wrongValue, file: own, place: .key(input.key),
                        "write the name of a file that lies beside kazashi.toml, not \(input.path)")
                }
            }
            return named
        } catch {
            throw SetupProblem(error, in: own)
        }
    }

    /// The credentials as they would be, so that what is tried leaves those that serve alone.
    private func makeCandidate(_ fresh: [String: [UInt8]]) throws(FilesError) {
        guard mkdir(candidate, 0o700) == 0 || errno == EEXIST else { throw FilesError(.unwritable, candidate) }
        for name in names(in: candidate) where !name.hasPrefix(".") { unlink(candidate + "/" + name) }
        for name in names(in: credentials) where !name.hasPrefix(".") {
            guard let bytes = readFile(credentials + "/" + name) else { continue }
            try DurableFile.replace(candidate + "/" + name, with: bytes)
        }
        for (name, bytes) in fresh { try DurableFile.replace(candidate + "/" + name, with: bytes) }
    }

    private static let state = "/var/lib/kazashi"

    /// Whether a kiosk can run with these settings, on this machine.
    private func check(_ staged: String) throws(SetupProblem) {
        let file = staged + "/" + SetupFolder.file
        do throws(ConfigurationError) {
            let configuration = try Configuration(file: file, credentials: candidate)
            guard configuration.state == Self.state else {
                throw ConfigurationError(
                    .wrongValue, file: file, place: .key("kiosk.state"), "must be \(Self.state) on this image")
            }
            guard configuration.signingKeyFile.path == candidate + "/kiosk-es256.pem" else {
                throw ConfigurationError(
                    .wrongValue, file: file, place: .key("kiosk.signing_key"),
                    "must be credential:kiosk-es256.pem on this image: the board makes its own key")
            }
        } catch {
            throw SetupProblem(error, in: file)
        }
    }
}

internal import Files
internal import Glibc
internal import Panel
package import Settings

/// Takes what a technician put on the partition `setup`: it is looked at whole before anything of it serves, and where it can't
/// be used the last good settings serve.
package struct Provisioning: Sendable {
    private let setup: String?
    private let store: SettingsStore
    private let credentials: String

    /// Names on `setup` that are no settings: what the appliance itself writes or takes from there.
    private static let others = ["system volume information", "kazashi-report.txt", "kazashi-template.toml"]
    package static let registrations = "registrations.json"

    /// - Parameters:
    ///   - setup: where the partition is mounted; nil: it could not be.
    ///   - kept: the folder on the data partition.
    ///   - shipped: the image's own settings.
    ///   - credentials: a folder with every secret as the service would get it: those that were taken in, and stand-ins for
    ///     the two that the machine makes itself. Those that are on `setup` come to lie there, too.
    package init(setup: String?, kept: String, shipped: String, credentials: String) {
        (self.setup, self.credentials) = (setup, credentials)
        store = SettingsStore(kept, shipped: shipped)
    }

    /// What came of a start.
    package struct Result: Sendable {
        package let outcome: SetupOutcome
        /// What serves now; nil where not even the image's own settings can be used, which say nothing of a library.
        package let configuration: Configuration?
        /// Files of `setup` that are secrets: to be encrypted to this machine, and removed there.
        package let secrets: [String]
    }

    package func run() -> Result {
        var secrets: [String] = []
        let outcome: SetupOutcome
        do throws(SetupProblem) {
            try prepare()
            outcome = SetupOutcome(try take(&secrets))
        } catch {
            outcome = SetupOutcome(store.adopted == nil ? .none : .kept, error.code, line: error.line, error.text)
            secrets = []
        }
        store.tidy()
        let configuration = try? Configuration(file: store.link + "/" + SetupFolder.file, credentials: credentials)
        return Result(outcome: outcome, configuration: configuration, secrets: secrets)
    }

    private func prepare() throws(SetupProblem) {
        do {
            try store.prepare()
        } catch {
            throw SetupProblem(.notKept, "\(error)")
        }
        store.tidy()
    }

    /// - Parameter secrets: which of the files are secrets that have not been taken in.
    private func take(_ secrets: inout [String]) throws(SetupProblem) -> SetupOutcome.Result {
        guard let setup else { throw SetupProblem(.unreadable) }
        let folder = SetupFolder(setup)
        let own = try folder.own()
        let named: [String]
        do {
            named = try Configuration.handedSecrets(file: own)
        } catch {
            throw SetupProblem(error, in: own)
        }
        let files = try folder.files { name in
            Self.others.contains(name.lowercased()) || name.lowercased() == Self.registrations || named.contains(name)
        }
        secrets = named.filter { access(setup + "/" + $0, F_OK) == 0 }
        do {
            for name in secrets {
                guard let bytes = readFile(setup + "/" + name) else { throw SetupProblem(.unreadable, name) }
                try DurableFile.replace(credentials + "/" + name, with: bytes)
            }
            if store.serves(files), secrets.isEmpty { return .unchanged }
            let staged = try store.stage(files)
            try check(staged)
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

    /// Whether a kiosk can run with these settings, on this machine.
    private func check(_ staged: String) throws(SetupProblem) {
        let file = staged + "/" + SetupFolder.file
        do throws(ConfigurationError) {
            let configuration = try Configuration(file: file, credentials: credentials)
            guard configuration.state == Self.state else {
                throw ConfigurationError(
                    .wrongValue, file: file, place: .key("kiosk.state"), "must be \(Self.state) on this image")
            }
            guard configuration.signingKeyFile.path == credentials + "/kiosk-es256.pem" else {
                throw ConfigurationError(
                    .wrongValue, file: file, place: .key("kiosk.signing_key"),
                    "must be credential:kiosk-es256.pem on this image: the board makes its own key")
            }
            // They would be those of the settings before.
            if let line = Self.lineNamingInstalledFiles(file) {
                throw ConfigurationError(
                    .wrongValue, file: file, place: .line(line),
                    "names a file in /etc/kazashi: write its name alone, it lies beside kazashi.toml")
            }
        } catch {
            throw SetupProblem(error, in: file)
        }
    }

    private static let state = "/var/lib/kazashi"

    private static func lineNamingInstalledFiles(_ file: String) -> Int? {
        let lines = String(decoding: readFile(file) ?? [], as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.firstIndex { $0.prefix { $0 != "#" }.contains("\"/etc/kazashi/") }.map { $0 + 1 }
    }
}

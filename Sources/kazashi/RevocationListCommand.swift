import Advice
import ArgumentParser
import Certificates
import Clock
import Cryptography
import Files
import Glibc
import Kiosk
import ListKeeper
import Revocation
import Settings
import TLV

extension Kazashi {
    /// Revocation lists in a store; `run` serves the one in its state folder.
    struct RevocationList: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "crl",
            abstract: "Import CRLs into a CRL store, check certificates, show what is there. 失効リストの取り込みと確認。",
            subcommands: [Import.self, CheckStore.self, Status.self, Forget.self])

        struct StoreOption: ParsableArguments {
            @Option(help: "The store's folder.")
            var store: String?
            @Option(
                help: "A kiosk's kazashi.toml instead: its store; for import its anchors as issuers, and its clock.")
            var config: String?

            func validate() throws {
                if (store == nil) == (config == nil) { throw ValidationError("Give either --store or --config.") }
            }

            /// The kiosk's, where one was named.
            func configuration() throws -> Configuration? {
                guard let config else { return nil }
                do {
                    return try Configuration(file: config)
                } catch {
                    say("\(error)")
                    throw ExitCode.wrongUse
                }
            }

            func open() throws -> RevocationStore { try open(configuration()) }

            func open(_ configuration: Configuration?) throws -> RevocationStore {
                let folder = configuration?.revocationStore ?? store ?? ""
                try actAsOwner(of: folder)
                do {
                    return try RevocationStore(folder: folder)
                } catch {
                    throw complain(error, of: folder)
                }
            }
        }

        struct Import: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Import a CRL into the store: it is read once, and never held in memory.",
                discussion: """
                    FILE, an http(s):// URL, or - for standard input; PEM or DER. The previous CRL stays in use until the
                    new one is complete and verified. 新しい失効リストの検証が済むまで、これまでのものを使い続けます。
                    Exit codes: 0 imported, or already in the store; 1 rejected; 2 file or URL unusable; 3 undetermined.
                    """)

            @OptionGroup var options: StoreOption
            @Option(help: "The issuer's certificate, PEM or DER; may be repeated. With --config: else its anchors.")
            var issuer: [String] = []
            @Option(
                help: """
                    The current time (RFC 3339, UTC). Default: the kiosk's clock with --config, the system clock with \
                    --store. A CRL issued more than five minutes later is rejected.
                    """)
            var at: [String] = []
            @Flag(help: "Print one JSON object on standard output.")
            var json = false
            @Argument(help: "FILE, URL or -.")
            var source: String

            func validate() throws {
                if options.config == nil, issuer.isEmpty { throw ValidationError("Give --issuer, or --config.") }
            }

            func run() async throws {
                let kiosk = try options.configuration()
                let issuers = try issuer.isEmpty ? kiosk?.anchors ?? trustAnchors([]) : trustAnchors(issuer)
                let asserted = try MomentOptions.moment(at)
                // A file of root's own is opened before root becomes the store's owner.
                let held =
                    source.contains("://") || source == "-" ? -1 : Glibc.open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                let store = try options.open(kiosk)
                let source = Self.handOver(held, source)
                let work =
                    if at.isEmpty, let kiosk {
                        ListImport(store: store, issuers: issuers, configuration: kiosk)
                    } else {
                        ListImport(store: store, issuers: issuers, clock: { asserted })
                    }
                let bar = ProgressLine()
                let answer = await work.run(source) {
                    bar.show($0, of: $1)
                }
                bar.end()
                try tell(answer, store)
            }

            /// Where what was opened before is read, when it can't be opened any more.
            private static func handOver(_ held: Int32, _ source: String) -> String {
                guard held >= 0 else { return source }
                defer { close(held) }
                guard access(source, R_OK) != 0, fcntl(held, F_SETFL, 0) == 0, dup2(held, STDIN_FILENO) >= 0 else {
                    return source
                }
                return "-"
            }

            /// Each list by its place in the source, what became of it, and why no more was read.
            private func tell(_ answer: ListImport.Answer, _ store: RevocationStore) throws {
                let report = answer.report
                let isBundle = report.outcomes.count > 1
                let lists = report.outcomes.compactMap { ImportedList($0, store) }
                var errors = report.outcomes.compactMap { outcome in
                    outcome.failure.map { (error: $0 as any Error, list: isBundle ? outcome.position : nil) }
                }
                if let failure = answer.failure { errors.append((failure, nil)) }
                if json {
                    let words = errors.first.map { ListWords($0.error) }
                    printJSON(
                        ImportOutput(
                            lists: lists, more_refused: report.moreRefused, more_taken: report.moreTaken,
                            code: words?.code, reason: words?.reason))
                } else {
                    for case .taken(let list) in lists { say(list.text) }
                    if report.moreTaken > 0 { say("and \(report.moreTaken) more CRLs that are in the store") }
                }
                let codes = errors.map { error, list in
                    complain(error, of: list.map { "\(source), list \($0)" } ?? source)
                }
                if report.moreRefused > 0 { say("\(source): \(report.moreRefused) more CRLs were rejected") }
                // A list that could not be told may be told another time.
                let worst = codes.max { $0.rawValue < $1.rawValue }
                if let worst { throw worst }
            }
        }

        struct CheckStore: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "check", abstract: "Check a certificate against the store's CRLs.",
                discussion:
                    "Exit codes: 0 good, 1 revoked or untrusted, 2 usage error or unreadable file, 3 undetermined.")

            @OptionGroup var options: StoreOption
            @OptionGroup var time: MomentOptions
            @Flag(help: "Print one JSON object on standard output.")
            var json = false
            @Argument(help: "The certificate, PEM or DER.")
            var certificate: String

            func run() throws {
                let der = try certificates(in: [certificate]).first ?? []
                let kiosk = try options.configuration()
                let check = StoreCheck(
                    store: try options.open(kiosk), time: try time.moment(), maxAge: try time.age() ?? kiosk?.maxAge)
                try finish(check.run(der), json: json)
            }
        }

        struct Forget: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Remove one CRL and its number from the store, so that an older one can follow.",
                discussion: """
                    For a list that should never have been taken, such as one of the future. The journal of the kiosk that
                    serves the store says so.
                    Exit codes: 0 forgotten, 1 the store knows no such list, 3 it could not be told.
                    """)

            @OptionGroup var options: StoreOption
            @Flag(help: "Print one JSON object on standard output.")
            var json = false
            @Argument(help: "The CRL, by its id in `crl status`.")
            var id: String

            func run() throws {
                let store = try options.open()
                do {
                    guard try store.forget(id: id) else {
                        if json { printJSON(["code": "unknown_list", "reason": "the store has no CRL with that id"]) }
                        say("\(id): the store has no CRL with that id; see `kazashi crl status`.")
                        throw ExitCode.no
                    }
                } catch let error as RevocationError {
                    throw complain(error, of: store.folder, json: json)
                }
                if json { printJSON(["forgotten": id]) } else { say("forgotten: \(id)") }
            }
        }

        struct Status: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show the store's CRLs, and its faults.",
                discussion: "Exit codes: 0 no fault, 1 a CRL in the store cannot be used.")

            @OptionGroup var options: StoreOption
            @Flag(help: "Print one JSON object on standard output.")
            var json = false

            func run() throws {
                struct Problem: Encodable { let file, code, reason: String }
                struct Output: Encodable {
                    let lists: [ListDescription]
                    let problems: [Problem]
                    let notices: [String]
                }
                let store = try options.open()
                let contents = store.open()
                let notices = store.notices().map { notice in
                    switch notice {
                    case .forgotten(let id): "the list \(id) was forgotten"
                    case .numbersRebuilt: "the memory of CRL numbers was damaged and is made anew"
                    }
                }
                let output = Output(
                    lists: contents.lists.map { ListDescription($0, result: nil) },
                    problems: contents.problems.map {
                        Problem(file: $0.file, code: $0.error.code.rawValue, reason: $0.error.reason)
                    }, notices: notices)
                if json {
                    printJSON(output)
                } else {
                    output.lists.forEach { say($0.text) }
                    notices.forEach { say("since the kiosk last told: \($0)") }
                    for problem in contents.problems { _ = complain(problem.error, of: problem.file) }
                    if output.lists.isEmpty { say("The store holds no CRL.") }
                }
                if !output.problems.isEmpty { throw ExitCode.no }
            }
        }
    }
}

/// Says what happened to `source` and what to do.
func complain(_ error: any Error, of source: String, json: Bool = false) -> ExitCode {
    let words = ListWords(error)
    if json { printJSON(["code": words.code, "reason": words.reason]) }
    say("\(source): \(words.code): \(words.reason)\n\(words.advice.indented)")
    return ExitCode(words.exitCode)
}

func certificates(in files: [String]) throws -> [[UInt8]] {
    do {
        return try CertificateCheck.certificates(in: files)
    } catch {
        say("\(error)")
        throw ExitCode.wrongUse
    }
}

func trustAnchors(_ files: [String]) throws -> TrustAnchors {
    do {
        return try TrustAnchors(try certificates(in: files))
    } catch let error as CertificateError {
        say("--issuer: \(error.reason)\n\(SourceFault.unreadable.advice.indented)")
        throw ExitCode.wrongUse
    }
}

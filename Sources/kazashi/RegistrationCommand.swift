import Advice
import Announcement
import ArgumentParser
import Files
import Glibc
import Kiosk
import Registrations
import Registry
import Settings
import TLV

extension Kazashi {
    struct Registration: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The registrations of this kiosk: who may tap. A running kiosk sees changes at the next tap.",
            subcommands: [
                Import.self, List.self, Suspend.self, Remove.self, ForgetCardKey.self, Retry.self, Export.self,
            ])
    }
}

private func withStore<Value>(_ configuration: Configuration, _ body: (RegistrationStore) async throws -> Value)
    async throws -> Value
{
    try await withDatabase(configuration) { try await body($0.registrations) }
}

/// Carries out one thing on each id; the others are still done when one fails.
private func forEach(
    _ ids: [String], in store: RegistrationStore, _ body: (RegistrationID) async throws(RegistryError) -> Void
) async throws {
    var failed = false
    for text in ids {
        do throws(RegistryError) {
            try await body(try await store.id(short: text))
            say("\(text): done")
        } catch {
            failed = true
            // One row's damage is that row's.
            let isRow = error.code == .damaged && error.status == nil
            say(isRow ? "\(text): damaged\n" + Advice.recordDamaged.indented : "\(text): \(RegistryWords.of(error))")
        }
    }
    if failed { throw ExitCode.no }
}

/// Names rows that are not as they were written; what is asked for is done for the others.
private func complain(ofDamaged ids: [String]) throws {
    guard !ids.isEmpty else { return }
    for id in ids { say("\(id): damaged") }
    say(Advice.recordDamaged.indented)
    throw ExitCode.no
}

extension Kazashi.Registration {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Store records from a JSON file or standard input (-).",
            discussion:
                "Every usable record is stored; each skipped one is named. Exit 1 when any was skipped.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print one JSON object on standard output.")
        var json = false
        @Argument(help: "A JSON array of records, or - for standard input.")
        var records: String

        func run() async throws {
            let configuration = try options.load()
            guard let bytes = records == "-" ? readStandardInput() : readFile(records) else {
                say("\(records): cannot be read\n" + ConfigurationError.Kind.unreadable.advice.indented)
                throw ExitCode.wrongUse
            }
            let report = try await withDatabase(configuration) { database in
                await RegistrationImport(
                    store: database.registrations, libraries: configuration.libraries.map(\.name),
                    fits: { configuration.fits($0, ppid: $1, serviceID: $2) }
                ).run(bytes, now: database.now() ?? 0)
            }
            guard let report else {
                say("\(records): \(Advice.notRecords.lines)")
                throw ExitCode.wrongUse
            }
            for left in report.leftOut {
                say(
                    "record \(left.index): skipped: \(left.reason.rawValue): \(left.reason.advice.happened.english)\n"
                        + left.reason.advice.indented)
            }
            say("\(report.stored) stored, \(report.leftOut.count) skipped")
            if json {
                struct Left: Encodable { let index: Int, reason: String }
                struct Output: Encodable { let stored: Int, left_out: [Left] }
                printJSON(
                    Output(
                        stored: report.stored,
                        left_out: report.leftOut.map { Left(index: $0.index, reason: $0.reason.rawValue) }))
            }
            if !report.leftOut.isEmpty { throw ExitCode.no }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List registrations by their keyed hashes: never a name, a PPID or a birth date.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print one JSON object on standard output.")
        var json = false

        func run() async throws {
            let list = try await withStore(try options.load()) { try await $0.list() }
            struct Line: Encodable {
                let id, state: String
                let pinned, birth_date_rejected: Bool
                let libraries: [String]
                let since: String?
            }
            struct Output: Encodable { let registrations: [Line] }
            let lines = list.map {
                Line(
                    id: $0.id, state: $0.state.rawValue, pinned: $0.isPinned, birth_date_rejected: $0.isBirthDateSpent,
                    libraries: $0.libraries,
                    since: $0.since.map { CivilTime(secondsSince1970: $0).rfc3339 })
            }
            if json {
                printJSON(Output(registrations: lines))
            } else {
                for line in lines {
                    print(
                        line.id, line.state, line.pinned ? "pinned" : "unpinned", line.libraries.joined(separator: ","),
                        line.since ?? "-")
                    if line.birth_date_rejected {
                        print("  birth date rejected twice: no longer tried (`registration retry`) 生年月日不一致により照合を停止中")
                    }
                }
            }
            try complain(ofDamaged: list.filter { $0.state == .damaged }.map(\.id))
        }
    }

    struct Suspend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse these registrations until they are made again.")
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "Ids as `list` shows them.") var ids: [String]

        func run() async throws {
            try await withStore(try options.load()) { store in
                try await forEach(ids, in: store) { (id) async throws(RegistryError) in try await store.suspend(id) }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove these registrations; nothing of them is left.")
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "Ids as `list` shows them.") var ids: [String]

        func run() async throws {
            try await withStore(try options.load()) { store in
                try await forEach(ids, in: store) { (id) async throws(RegistryError) in try await store.remove(id) }
            }
        }
    }

    struct ForgetCardKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a pinned card key; the next proof pins again. For the counter, face to face.")
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "An id as `list` shows it.") var id: String

        func run() async throws {
            try await withStore(try options.load()) { store in
                try await forEach([id], in: store) { (id) async throws(RegistryError) in
                    try await store.forgetCardKey(id)
                }
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try the birth date again, after the card rejected it twice in a row. 生年月日の照合を再開します。",
            discussion: "Check the registration's birth date first: each rejection spends one of the card's ten tries.")
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "Ids as `list` shows them.") var ids: [String]

        func run() async throws {
            try await withStore(try options.load()) { store in
                try await forEach(ids, in: store) { (id) async throws(RegistryError) in
                    try await store.retryBirthDate(id)
                }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Print every record, in the form that import takes; contains personal data in plain text. 個人情報が平文で出力されます。"
        )
        @OptionGroup var options: ConfigurationOption

        func run() async throws {
            try await withStore(try options.load()) { store in
                let all = try await store.all()
                printJSON(all.compactMap { $0.registration.map(Record.init) })
                try complain(ofDamaged: all.filter { $0.registration == nil }.map(\.id.short))
            }
        }
    }
}

/// What is to be done about the registrations.
extension Advice {
    fileprivate static let recordDamaged = Advice(
        "The record is damaged", "登録が破損しています。",
        do: "Remove it (sudo kazashictl registration remove ID) and register again; check the disk.",
        "sudo kazashictl registration remove ID で削除し、登録し直してください。ディスクも確認してください。")
    fileprivate static let notRecords = Advice(
        "Not a JSON array of records; nothing was stored", "記録の JSON 配列ではありません（何も登録していません）。",
        do: "Give an array of objects with certificate, ppid and birth_date.",
        "certificate・ppid・birth_date を持つ記録の配列を指定してください。")
}

import Advice
import Announcement
import ArgumentParser
import Registrations
import Settings

extension Kazashi {
    struct Library: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Libraries by name: what this kiosk holds for each, and what to do when a name changes. 図書館の名前の管理。",
            discussion: """
                Registrations and pending events are kept under a library's name. When a name in kazashi.toml changes, move
                them with `rename`; when a library has left for good, drop its pending events.
                登録と未送達イベントは図書館の名前で保存されます。名前を変えたときは rename で移し、図書館がなくなったときは drop で破棄します。
                """,
            subcommands: [List.self, Rename.self, Drop.self])
    }
}

extension Kazashi.Library {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the names, with their registrations and pending events. 名前ごとの登録と未送達イベントの件数を表示します。")
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print one JSON object on standard output.")
        var json = false

        func run() async throws {
            struct Line: Encodable {
                let name: String
                let configured: Bool
                let registrations, pending: Int
            }
            let configuration = try options.load()
            let known = configuration.libraries.map(\.name)
            let held = try await withDatabase(configuration) { try await $0.holdings() }
            let lines = Set(known).union(held.map(\.name)).sorted().map { name in
                let held = held.first { $0.name == name }
                return Line(
                    name: name, configured: known.contains(name), registrations: held?.registrations ?? 0,
                    pending: held?.owed ?? 0)
            }
            guard !json else { return printJSON(["libraries": lines]) }
            for line in lines {
                print(
                    "\(line.name): \(line.registrations) registrations 登録, \(line.pending) pending 未送達"
                        + (line.configured ? "" : " (not configured 設定なし)"))
            }
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move registrations and pending events from one name to another. 登録と未送達イベントを別の名前に移します。",
            discussion: """
                First change the name in kazashi.toml and let the kiosk take it (sudo systemctl reload kazashi): until both are
                done, taps of these registrations are refused. Libraries are told nothing: it is the same library.
                先に kazashi.toml の名前を変更し、sudo systemctl reload kazashi を実行してください。両方が済むまで、対象の登録のタップは
                受け付けられません。図書館への通知は行いません。
                Exit codes: 0 moved; 1 a registration has both names, nothing was moved; 2 usage error, such as an unknown name.
                """)
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "The name that the configuration no longer has.")
        var old: String
        @Argument(help: "The name that it has now.")
        var new: String

        func run() async throws {
            let configuration = try options.load()
            let known = configuration.libraries.map(\.name)
            guard !known.contains(old) else { throw ValidationError("\(old) is still in kazashi.toml: \(Self.first)") }
            guard known.contains(new) else { throw ValidationError("\(new) is not in kazashi.toml: \(Self.first)") }
            let moved = try await withDatabase(configuration) { database in
                try await database.expect(old)
                return try await database.rename(old, to: new)
            }
            say("\(moved.registrations) registrations and \(moved.owed) pending events moved to \(new)")
            say("登録 \(moved.registrations) 件と未送達イベント \(moved.owed) 件を \(new) に移しました。")
        }

        private static let first = "change the name there first. 先に kazashi.toml の名前を変更してください。"
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drop what a library that has left is owed. なくなった図書館への未送達イベントを破棄します。",
            discussion: "Its registrations stay: see `kazashi registration`. 登録は残ります（kazashi registration を参照）。")
        @OptionGroup var options: ConfigurationOption
        @Argument(help: "A name that the configuration no longer has.")
        var name: String

        func run() async throws {
            let configuration = try options.load()
            guard !configuration.libraries.contains(where: { $0.name == name }) else {
                throw ValidationError(
                    "\(name) is still in kazashi.toml: its pending events are being delivered. kazashi.toml にある図書館です。")
            }
            let count = try await withDatabase(configuration) { database in
                try await database.expect(name)
                return try await database.dropOwed(to: name)
            }
            say("\(count) pending events dropped 未送達イベント \(count) 件を破棄しました。")
        }
    }
}

extension KioskDatabase {
    /// - Throws: `ValidationError` where nothing is kept under the name: it is mistyped.
    fileprivate func expect(_ name: String) async throws {
        guard try await !holdings().contains(where: { $0.name == name }) else { return }
        throw ValidationError(
            "Nothing is kept under \(name): `kazashi library list` shows the names. この名前では何も保存されていません（library list で確認）。"
        )
    }
}

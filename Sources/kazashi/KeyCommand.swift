import Advice
import ArgumentParser
import Files
import JOSE
import Settings

extension Kazashi {
    struct Key: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The kiosk's signing key: what libraries know it by.",
            discussion: """
                To change it without a gap:
                1. `key rotate` makes the next key.
                2. Give `key show` (both keys) to every library.
                3. When all of them have it, run `key rotate --activate`, then systemctl reload kazashi.
                4. The libraries may then delete the old key.
                鍵を途切れなく更新するには：
                1. key rotate で次の鍵を作ります。
                2. key show の出力（両方の鍵）を各図書館に渡します。
                3. すべての図書館で登録が済んだら key rotate --activate と systemctl reload kazashi を実行します。
                4. その後、図書館は古い鍵を削除できます。
                """,
            subcommands: [Create.self, Show.self, Rotate.self])
    }
}

extension Kazashi.Key {
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new kiosk's two secrets, storage.key and kiosk-es256.pem, in a folder.",
            discussion: "新しい端末の鍵を作ります。既にある鍵は置き換えません。")

        @Argument(help: "An existing folder.") var folder: String

        func run() throws {
            try actAsOwner(of: folder)
            try withWords {
                try SigningKeyFile.createKeys(in: folder)
                say(
                    "\(folder): storage.key and kiosk-es256.pem created, readable by their owner only. 鍵を作りました（所有者だけが読み取れます）。"
                )
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public keys as a JWK Set: the one in use, and the next one where there is one.")

        @OptionGroup var options: ConfigurationOption

        func run() throws {
            let file = try options.load().signingKeyFile
            try withWords {
                let keys = [try file.current(), try file.prepared()].compactMap { $0?.publicJWK.json }
                print(#"{"keys":[\#(keys.joined(separator: ","))]}"#)
            }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the next key; with --activate, put it in the place of the one in use.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Use the next key from now on. The key that was in use is gone.")
        var activate = false

        func run() throws {
            let file = try options.load().signingKeyFile
            try withWords {
                if activate {
                    try file.activate()
                    say(
                        "\(file.path): in use now. Run `sudo systemctl reload kazashi` where a kiosk runs. 使用を開始しました。動作中の端末では sudo systemctl reload kazashi を実行してください。"
                    )
                } else {
                    try file.prepare()
                    say(
                        "The next key is created; the key in use is unchanged.\n"
                            + "Give `kazashi key show --config FILE` to every library, then run `kazashi key rotate --activate --config FILE`.\n"
                            + "次の鍵を作りました。kazashi key show の出力を各図書館に渡してから、kazashi key rotate --activate を実行してください。")
                }
            }
        }
    }
}

private func withWords(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let problem as SigningKeyFile.Problem {
        say("signing key: \(problem.advice.lines)")
        throw problem == .notWritten || problem == .unreadable ? ExitCode.couldNotTell : ExitCode.no
    }
}

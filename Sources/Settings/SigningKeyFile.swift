package import Advice
internal import Cryptography
internal import Files
internal import Glibc
package import JOSE

/// The kiosk's signing key on the disk, and the one that will take its place. Libraries are handed the next key before
/// it is used: for a while they accept both, by `kid`.
package struct SigningKeyFile: Sendable {
    /// What went wrong with it.
    package enum Problem: String, Error, Advised, CaseIterable {
        /// A next key is there already.
        case alreadyPrepared = "already_prepared"
        /// The folder has keys already.
        case alreadyCreated = "already_created"
        case notPrepared = "not_prepared"
        /// It is no PEM of a P-256 private key, or can't be read.
        case unreadable
        case notWritten = "not_written"

        package var advice: Advice {
            switch self {
            case .alreadyPrepared:
                Advice(
                    "The next key already exists", "次の鍵は作成済みです。",
                    do:
                        "Give `sudo kazashictl key show` to every library, then run `kazashi key rotate --activate --config FILE`.",
                    "sudo kazashictl key show の出力を各図書館に渡してから、kazashi key rotate --activate --config ファイル を実行してください。")
            case .alreadyCreated:
                Advice(
                    "Keys already exist in this folder; nothing changed", "このフォルダーには既に鍵があります（変更していません）。",
                    do: "Name an empty folder. To change a kiosk's signing key, use `kazashi key rotate`.",
                    "空のフォルダーを指定してください。署名鍵の更新には kazashi key rotate を使います。")
            case .notPrepared:
                Advice(
                    "There is no next key", "次の鍵がありません。",
                    do: "Run `kazashi key rotate --config FILE` first: it makes the next key.",
                    "先に kazashi key rotate --config ファイル で次の鍵を作ってください。")
            case .unreadable:
                Advice(
                    "Not readable as PEM of a P-256 private key", "P-256 秘密鍵の PEM として読み取れません。",
                    do: "Specify a file with such a key.", "P-256 秘密鍵の PEM ファイルを指定してください。")
            case .notWritten:
                Advice(
                    "The key could not be written; keys in use are unchanged", "鍵を書き込めません（使用中の鍵は変更していません）。",
                    do: "Check that the folder exists, its permissions and free space.",
                    "フォルダーの有無、権限、空き容量を確認してください。")
            }
        }
    }

    package let path: String
    private var next: String { path + ".next" }

    /// - Throws: `unreadable`.
    package func current() throws(Problem) -> SigningKey { try read(path) }

    /// A new kiosk's two secrets, `storage.key` and `kiosk-es256.pem`, in a folder. One that is there is never replaced; an
    /// empty one was never made: the machine lost its power.
    /// - Throws: `alreadyCreated` when both are there, `notWritten`.
    package static func createKeys(in folder: String) throws(Problem) {
        let (storage, signing) = (folder + "/storage.key", folder + "/kiosk-es256.pem")
        func isMissing(_ path: String) -> Bool { access(path, F_OK) != 0 || readFile(path)?.isEmpty == true }
        guard isMissing(storage) || isMissing(signing) else { throw .alreadyCreated }
        do {
            if isMissing(storage) {
                var secret = try SecureRandom.shared.bytes(32)
                defer { wipe(&secret) }
                try DurableFile.replace(storage, with: secret)
            }
            if isMissing(signing) {
                var pem = try P256PrivateKey.generate().pem.withBytes { Array($0) }
                defer { wipe(&pem) }
                try DurableFile.replace(signing, with: pem)
            }
        } catch {
            throw .notWritten
        }
        NewFile.removeLeftovers(in: folder)
    }

    /// The key that was made ready; nil when there is none.
    /// - Throws: `unreadable`.
    package func prepared() throws(Problem) -> SigningKey? { access(next, F_OK) == 0 ? try read(next) : nil }

    /// Makes the next key; nothing is signed with it yet.
    /// - Throws: `alreadyPrepared`, `notWritten`.
    package func prepare() throws(Problem) {
        guard access(next, F_OK) != 0 else { throw .alreadyPrepared }
        do {
            var pem = try P256PrivateKey.generate().pem.withBytes { Array($0) }
            defer { wipe(&pem) }
            NewFile.removeLeftovers(in: folder(of: path))
            try DurableFile.replace(next, with: pem, like: path)
        } catch {
            throw .notWritten
        }
    }

    /// Puts the next key in the place of the current one, which is gone then.
    /// - Throws: `notPrepared`, `unreadable`, `notWritten`.
    package func activate() throws(Problem) {
        guard try prepared() != nil, var pem = readFile(next) else { throw .notPrepared }
        defer { wipe(&pem) }
        do {
            NewFile.removeLeftovers(in: folder(of: path))
            try DurableFile.replace(path, with: pem)
        } catch {
            throw .notWritten
        }
        // Whenever the power goes, the key is in one of the two, and this can be said again.
        unlink(next)
    }

    private func read(_ path: String) throws(Problem) -> SigningKey {
        guard var pem = readFile(path) else { throw .unreadable }
        defer { wipe(&pem) }
        do {
            return SigningKey(try P256PrivateKey(pem: pem))
        } catch {
            throw .unreadable
        }
    }
}

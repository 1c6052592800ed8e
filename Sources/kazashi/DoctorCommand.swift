import Advice
import ArgumentParser
import Doctor
import Glibc
import Kiosk
import Login
import Registry
import Service
import Settings

extension Kazashi {
    struct Doctor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at every part of the kiosk, and say what is wrong and what to do.",
            discussion: """
                端末の各部を点検し、問題と対処方法を表示します。It changes nothing. Each library is sent one test token
                without effect. 各図書館へ影響のない試験トークンを 1 通送ります。
                --tap waits for a card and walks it through the login without announcing, pinning or suspending. Stop the kiosk
                first (sudo systemctl stop kazashi), and start it again after it. A birth date that the card rejects is counted as
                at any tap.
                --tap はカードを 1 枚試します（図書館には知らせません）。先に sudo systemctl stop kazashi で端末を停止し、終わったら起動してください。
                生年月日の不一致は通常のタップと同じく回数に数えます。
                Exit codes: 0 no fault; 1 a fault was found; 2 usage or configuration error; 3 undetermined.
                """)

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print one JSON object on standard output.") var json = false
        @Flag(help: "Wait for a card and try it, step by step.") var tap = false

        func validate() throws {
            if tap, json { throw ValidationError("--tap is for people: it has no --json.") }
        }

        func run() async throws {
            // A tap that is tried needs what a kiosk needs.
            let configuration = try options.load(takesExposedSecrets: !tap) { error in
                // Without it there is nothing that could be looked at.
                if json { Self.printReport([Finding("configuration", error)]) }
            }
            try actAsOwner(of: configuration.state)
            if tap { return try await walk(configuration) }
            var findings: [Finding] = []
            await Examination(configuration).run { finding in
                findings.append(finding)
                if !json { printAtOnce(Self.text(finding)) }
            }
            if json { Self.printReport(findings) }
            if findings.contains(where: { $0.state == .wrong }) { throw ExitCode.no }
        }

        private static func printReport(_ findings: [Finding]) {
            struct Output: Encodable {
                struct Line: Encodable { let part, state, seen, 状態, advice, 対処: String? }
                let healthy: Bool
                let findings: [Line]
            }
            printJSON(
                Output(
                    healthy: !findings.contains { $0.state == .wrong },
                    findings: findings.map {
                        .init(
                            part: $0.part, state: $0.state.rawValue, seen: $0.seen.english, 状態: $0.seen.japanese,
                            advice: $0.action?.english, 対処: $0.action?.japanese)
                    }))
        }

        private static func text(_ finding: Finding) -> String {
            let mark =
                switch finding.state {
                case .fine: "ok      "
                case .warning: "warning "
                case .wrong: "WRONG   "
                }
            let action =
                finding.action.map { "\n          \($0.english)\n          \(finding.seen.japanese)\($0.japanese)" }
                ?? ""
            return "\(mark)  \(finding.part): \(finding.seen.english)\(action)"
        }

        // MARK: One card

        private func walk(_ configuration: Configuration) async throws {
            if (try? StatusSocket.ask(configuration.statusSocket)) != nil {
                say(
                    "The running kiosk would see the same card: run sudo systemctl stop kazashi first.\n"
                        + "動作中の端末を先に停止してください（sudo systemctl stop kazashi）。")
                throw ExitCode.wrongUse
            }
            let outcome: Outcome?
            do {
                outcome = try await Rehearsal(configuration).run { step in
                    if let text = RehearsalWords.of(step) { printAtOnce(text) }
                }
            } catch let error as RegistryError {
                say(RegistryWords.of(error))
                throw ExitCode.wrongUse
            }
            guard let outcome else { throw ExitCode.couldNotTell }
            if outcome != .welcomed { throw ExitCode.no }
        }
    }
}

/// One line on standard output now, also where it is a pipe.
private func printAtOnce(_ text: String) {
    print(text)
    fflush(nil)
}

/// A tap that is tried, for people.
enum RehearsalWords {
    static func of(_ step: Rehearsed) -> String? {
        switch step {
        case .state(nil): "ready: lay the card on the reader. カードを置いてください。"
        case .state(let cause?):
            "out of service: \(cause.rawValue); run `sudo kazashictl doctor`. 利用できません。sudo kazashictl doctor で確認してください。"
        case .fact(let fact): words(fact).map { "\($0.isGood ? "ok      " : "WRONG   ")  \($0.text)" }
        case .outcome(.welcomed): "ok        everything holds: it would be announced. すべて正常です（通知はしていません）。"
        case .outcome(.refused(let refusal)):
            "WRONG     refused: \(refusal.rawValue). \(refusal.advice.text.english) \(refusal.advice.text.japanese)"
        }
    }

    private static func words(_ fact: Fact) -> (isGood: Bool, text: String)? {
        switch fact {
        case .certificateRead: (true, "certificate read. 証明書を読み取りました。")
        case .identified(isCard: true): (true, "a My Number Card. マイナンバーカードです。")
        case .identified(isCard: false): (false, "another card, or a phone. 別のカードかスマートフォンです。")
        case .lookedUp(let result): words(result)
        case .validated(let result): words(result)
        case .challengeAnswered(.pinnedKey): (true, "signed under the pinned card public key. 固定済みの公開鍵で署名しました。")
        case .challengeAnswered(.unpinned): (true, "signed; the card public key is not pinned yet. 署名しました（公開鍵は未固定）。")
        case .challengeAnswered(.otherKey):
            (false, "signed, but not under the pinned card public key. 固定済みの公開鍵による署名ではありません。")
        case .triesCounted(let left?): (left >= 5, "remaining tries: \(left). 照合の残り回数：\(left)。")
        case .triesCounted(nil): (false, "remaining tries unknown. 照合の残り回数が不明です。")
        case .birthDateVerified(accepted: true): (true, "birth date accepted. 生年月日を確認しました。")
        case .birthDateVerified(accepted: false): (false, "birth date rejected. 生年月日が一致しません。")
        case .proofChecked(.proven): (true, "proven genuine. 真正なカードです。")
        case .proofChecked(.notProven): (false, "not proven genuine. 真正と確認できません。")
        case .proofChecked(.otherBirthDate):
            (false, "genuine, with another birth date than the registration's. 登録と生年月日が異なります。")
        case .cardFailed(let failure): words(failure)
        case .registryFailed: (false, "the registration database cannot be read. 登録データベースを読めません。")
        case .passed(.card): (false, "five seconds have passed. 5 秒を超えました。")
        case .cardKeyPinned, .announced, .passed: nil
        }
    }

    private static func words(_ result: Fact.LookUp) -> (isGood: Bool, text: String) {
        switch result {
        case .activePinned: (true, "registered, card public key pinned. 登録済みです（公開鍵は固定済み）。")
        case .activeUnpinned: (true, "registered, card public key not pinned yet. 登録済みです（公開鍵は未固定）。")
        case .unknown: (false, "not registered. 未登録です。")
        case .sameVisit: (true, "registered, the same card again. 登録済みの同じカードです。")
        case .birthDateSpent:
            (false, "the card rejected the birth date twice; not tried again. 生年月日が 2 回一致しなかったため照合しません。")
        case .suspended: (false, "registration suspended. 登録は停止中です。")
        case .keyMissing: (false, "the registration has no card public key. 登録にカードの公開鍵がありません。")
        }
    }

    private static func words(_ result: Fact.Validation) -> (isGood: Bool, text: String) {
        switch result {
        case .good: (true, "certificate valid and not revoked. 電子証明書は有効で、失効していません。")
        case .untrusted: (false, "certificate not trusted. 電子証明書を信頼できません。")
        case .expired: (false, "certificate expired. 電子証明書の有効期限が切れています。")
        case .revoked: (false, "certificate revoked. 電子証明書が失効しています。")
        case .undetermined: (false, "revocation status unknown. 失効しているか判定できません。")
        }
    }

    private static func words(_ failure: Fact.CardFailure) -> (isGood: Bool, text: String) {
        switch failure {
        case .notThisCard: (false, "another card, or a phone. 別のカードかスマートフォンです。")
        case .pulled: (false, "card removed too early. カードが早く離れました。")
        case .error: (false, "the card or reader failed. 読み取りエラーです。")
        case .timeout: (false, "the card did not answer in time. カードが時間内に応答しません。")
        }
    }
}

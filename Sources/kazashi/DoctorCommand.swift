import Advice
import ArgumentParser
import Glibc
import Kiosk
import Settings
import Service
import Doctor
import Login
import Registry

extension Kazashi {
    struct Doctor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at every part of the kiosk, and say what is wrong and what to do.",
            discussion: """
                端末の各部を点検し、問題と対処方法を表示します。It changes nothing. Each library is sent one test token
                without effect. 各図書館へ影響のない試験トークンを 1 通送ります。
                --tap waits for a card and walks it through the login without announcing, pinning or suspending; stop the
                kiosk first (systemctl stop kazashi). カードを 1 枚試します（図書館には知らせません）。
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
                    "The running kiosk would see the same card: run systemctl stop kazashi first.\n"
                        + "動作中の端末を先に停止してください（systemctl stop kazashi）。")
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
        case .state(let cause?): "out of service: \(cause.rawValue); `kazashi doctor` says what to do. 利用できません。"
        case .fact(let fact): words(fact).map { "\($0.isGood ? "ok      " : "WRONG   ")  \($0.text)" }
        case .outcome(.welcomed): "ok        everything holds: it would be announced. すべて正常です（通知はしていません）。"
        case .outcome(.refused(let refusal)):
            "WRONG     refused: \(refusal.rawValue). \(refusal.advice.text.english) \(refusal.advice.text.japanese)"
        }
    }

    private static func words(_ fact: Fact) -> (isGood: Bool, text: String)? {
        switch fact {
        case .certificateRead: (true, "certificate read 証明書を読み取りました")
        case .identified(let isCard):
            (isCard, isCard ? "a My Number Card マイナンバーカードです" : "another card, or a phone 別のカードです")
        case .lookedUp(let result): (result == .activePinned || result == .activeUnpinned, "registration 登録: \(result)")
        case .validated(let result): (result == .good, "certificate and revocation 証明書と失効: \(result)")
        case .challengeAnswered(let answer): (answer != .otherKey, "the card's signature カードの署名: \(answer)")
        case .triesCounted(let left): ((left ?? 0) >= 5, "tries left 残り回数: \(left.map { "\($0)" } ?? "untold")")
        case .birthDateVerified(let accepted): (accepted, "birth date 生年月日: \(accepted ? "accepted" : "refused")")
        case .proofChecked(let check): (check == .proven, "the card's proof カードの真正性: \(check)")
        case .cardFailed(let failure): (false, "the card カード: \(failure)")
        case .registryFailed: (false, "the registration database cannot be read 登録データベースを読めません")
        case .passed(.card): (false, "five seconds have passed 5 秒を超えました")
        case .cardKeyPinned, .announced, .passed: nil
        }
    }
}

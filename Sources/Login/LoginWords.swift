package import Advice

extension Cause: Advised {
    package var advice: Advice {
        switch self {
        case .configuration:
            Advice(
                "The configuration cannot be used", "設定を使用できません。",
                do: "Run `sudo kazashictl doctor`: it names the file, the line or key, and what to do. The kiosk reads "
                    + "the file again when it changes.",
                "sudo kazashictl doctor が設定の誤りと対処方法を示します。ファイルを直すと自動で読み直します。")
        case .clock:
            Advice(
                "There is no trusted time", "信頼できる時刻がありません。",
                do:
                    "Run `sudo kazashictl doctor`: it says whether the clock is not synchronised or behind. Set up NTP "
                    + "(systemd-timesyncd) or an RTC; for another trusted clock set time.source = \"system\".",
                "sudo kazashictl doctor で、時計が未同期か遅れているかを確認してください。NTP（systemd-timesyncd）か RTC（電池付き時計）を用意するか、信頼できる時計なら time.source を \"system\" にしてください。"
            )
        case .reader:
            Advice(
                "There is no reader", "リーダーがありません。",
                do: "Plug the reader in; pcsc_scan (package pcsc-tools) lists what pcscd sees. Compare reader.name.",
                "リーダーを接続してください（パッケージ pcsc-tools の pcsc_scan で一覧）。reader.name も確認してください。")
        case .cardService:
            Advice(
                "The card service (pcscd) does not answer", "カードサービス（pcscd）が応答しません。",
                do:
                    "Check `systemctl status pcscd.socket`, and that /usr/share/polkit-1/rules.d/50-kazashi.rules is installed.",
                "systemctl status pcscd.socket を確認し、/usr/share/polkit-1/rules.d/50-kazashi.rules があることを確認してください。")
        case .revocation:
            Advice(
                "There is no current CRL", "有効な失効リストがありません。",
                do: "Put the CA's CRL into [revocation] files, or set its URL in urls.",
                "認証局の失効リストを [revocation] の files に置くか、urls に URL を指定してください。")
        case .registry:
            Advice(
                "The registration database cannot be used", "登録データベースを使用できません。",
                do: "Check the disk and state folder permissions.", "ディスクと state フォルダーの権限を確認してください。")
        case .storage:
            Advice(
                "The state folder is read-only or full", "state フォルダーが読み取り専用か、空き容量がありません。",
                do: "Free disk space; the state folder must be writable to keep data across restarts.",
                "ディスクの空き容量を増やし、state フォルダーに書き込めるようにしてください（再起動後もデータを残すため）。")
        }
    }
}

extension Outcome: Advised {
    package var advice: Advice {
        switch self {
        case .welcomed:
            Advice(
                "Accepted: all required libraries acknowledged", "確認済みです。必須の図書館すべてが受信しました。",
                do: "No action is needed.", "対応は不要です。")
        case .refused(let refusal): refusal.advice
        }
    }

    /// In the order in which the first that applies is told.
    package static let all: [Outcome] = [.welcomed] + Refusal.allCases.map { .refused($0) }
}

extension Refusal {
    package var advice: Advice {
        switch self {
        case .notThisCard:
            Advice(
                "Another card, or a phone", "別のカードかスマートフォンです。", do: "Ask for the My Number Card itself.",
                "マイナンバーカード本体を使ってください。")
        case .cardPulled:
            Advice(
                "Card removed too early", "カードが早く離れました。", do: "Hold it still until the display changes.",
                "表示が変わるまで動かさないでください。")
        case .cardError:
            Advice(
                "The card or reader failed", "読み取りエラーです。", do: "Take the card out of its case; try again.",
                "ケースから出して、もう一度かざしてください。")
        case .cardTimeout:
            Advice(
                "Reading took over 5 s", "読み取りに 5 秒以上かかりました。",
                do: "Remove the case; lay the card flat on the reader.", "ケースから出し、リーダーに平らに置いてください。")
        case .unregistered:
            Advice(
                "Not registered", "未登録です。", do: "Register at the library counter (PIN needed).",
                "図書館のカウンターで登録してください（暗証番号が必要）。")
        case .untrusted:
            Advice(
                "Certificate not from a configured CA, or not acceptable", "電子証明書を信頼できません。",
                do: "Check trust.anchors, trust.policies and the clock. If all are right, register the card again.",
                "trust.anchors・trust.policies と時計を確認し、問題なければ登録し直してください。")
        case .expired:
            Advice(
                "Certificate expired", "電子証明書の有効期限が切れています。",
                do: "Have it renewed at the municipal office, then register again here.",
                "市区町村の窓口で更新後、登録し直してください。")
        case .revoked:
            Advice(
                "Certificate revoked", "電子証明書が失効しています。",
                do: "Refer the patron to the municipal office; register again after reissue.",
                "市区町村の窓口へご案内ください。再発行後は登録し直してください。")
        case .undetermined:
            Advice(
                "Revocation status unknown: no current CRL covers this card", "このカードを対象とする有効な失効リストがありません。",
                do: "Run `sudo kazashictl crl status`, then import the CRL that covers this card.",
                "sudo kazashictl crl status で確認し、該当する失効リストを取り込んでください。")
        case .suspended:
            Advice(
                "Registration suspended", "登録は停止中です。", do: "Register again at the counter.",
                "図書館のカウンターで登録し直してください。")
        case .cardKeyUnknown:
            Advice(
                "Registration has no card public key (required by configuration)", "登録にカードの公開鍵がありません（設定で必須）。",
                do: "Register again at the counter.", "図書館のカウンターで登録し直してください。")
        case .notProven:
            Advice(
                "Not proven to be the registered card", "登録済みのカードと確認できません。",
                do: "Check that this is the patron's own card. If it was reissued, register it again.",
                "ご本人のカードか確認してください。再交付されたカードは登録し直してください。")
        case .triesLow:
            Advice(
                "Fewer than 5 birth-date tries left, or unknown; the kiosk used none", "照合の残り回数が 5 回未満か不明です（消費していません）。",
                do: "The municipal office can reset them.", "市区町村の窓口での初期化をご案内ください。")
        case .birthDateRefused:
            Advice(
                "The card has another birth date than the registration", "生年月日がカードと一致しません。",
                do:
                    "Check the registration's birth date and register again at the counter. `sudo kazashictl registration list` shows "
                    + "what is suspended: a pinned registration whose birth date the card rejected. One that is not pinned is tried "
                    + "twice in a row, then not until `sudo kazashictl registration retry ID`.",
                "登録の生年月日を確認し、カウンターで登録し直してください。停止した登録は sudo kazashictl registration list で確認できます（公開鍵が固定され、カードが生年月日を拒否したもの）。固定されていない登録は 2 回続けて一致しないと照合を止めます（再開は sudo kazashictl registration retry ID）。"
            )
        case .libraryUnreachable:
            Advice(
                "A required library did not answer within 5 s", "図書館側が 5 秒以内に応答しませんでした。",
                do: "Run `sudo kazashictl doctor`.", "sudo kazashictl doctor で確認してください。")
        case .libraryRefused:
            Advice(
                "A required library rejected the token", "図書館側が拒否しました。",
                do: "See err in the journal, then run `sudo kazashictl doctor`.",
                "ジャーナルの err と sudo kazashictl doctor を確認してください。")
        case .tooSoon:
            Advice(
                "The same card again within min_gap: the same visit; libraries are told nothing",
                "min_gap 以内に同じカードがかざされました（同じ利用の続きで、図書館には通知しません）。",
                do: "No action is needed.", "対応は不要です。")
        case .outOfService:
            Advice(
                "Kiosk out of service", "端末を利用できません。", do: "`sudo kazashictl status` shows the cause.",
                "sudo kazashictl status で原因を確認してください。")
        }
    }
}

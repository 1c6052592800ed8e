package import Advice

extension Cause {
    /// What a technician is to do about it.
    package var advice: Words {
        switch self {
        case .configuration:
            Words(
                "Run `sudo kazashictl doctor`: it names the file, the line or key, and what to do. The kiosk reads the file again "
                    + "when it changes.", "sudo kazashictl doctor が設定の誤りと対処方法を示します。ファイルを直すと自動で読み直します。")
        case .clock:
            Words(
                "Give the board a time server (systemd-timesyncd) or a battery clock; with a clock of your own trust set "
                    + "time.source to \"system\".", "時刻サーバー（systemd-timesyncd）か電池付き時計を用意してください。")
        case .reader:
            Words(
                "Plug the reader in; pcsc_scan lists what pcscd sees. Compare reader.name.",
                "リーダーを接続してください（pcsc_scan で一覧）。reader.name も確認してください。")
        case .cardService:
            Words(
                "See `systemctl status pcscd.socket`, and that board/polkit's rule is installed for the user kazashi.",
                "systemctl status pcscd.socket と、polkit のルール（board/polkit）を確認してください。")
        case .revocation:
            Words(
                "Put a revocation list of the anchors' authority into [revocation] files, or name its URL.",
                "[revocation] の files か urls に、認証局の失効リストを用意してください。")
        case .registry:
            Words(
                "The database can not be read or written. Check the disk and the rights of the state folder.",
                "データベースを読み書きできません。ディスクと権限を確認してください。")
        case .storage:
            Words(
                "Make room on the disk; the state folder must be writable, for what must outlive a start.",
                "ディスクの空きを増やし、state フォルダーに書き込めるようにしてください。")
        }
    }
}

extension Refusal {
    /// What it means, and what staff can do.
    package var advice: Words {
        switch self {
        case .notThisCard:
            Words(
                "Another card, or a phone. Ask for the My Number Card itself.", "別のカードかスマートフォンです。マイナンバーカード本体を使ってください。")
        case .cardPulled:
            Words("Taken away too early. Hold it still until the display says so.", "早く離れました。表示が変わるまで動かさないでください。")
        case .cardError:
            Words("The card or reader failed. Take it out of its case; try again.", "読み取りエラーです。ケースから出して、もう一度かざしてください。")
        case .cardTimeout:
            Words("More than five seconds. Out of the case, flat on the reader.", "5 秒を超えました。ケースから出して平らに置いてください。")
        case .unregistered:
            Words("Not registered here. Register at the counter, with the PIN.", "未登録です。窓口で暗証番号を使って登録してください。")
        case .untrusted:
            Words(
                "The certificate is not of a pinned authority. Check [trust] anchors; else register again.",
                "証明書の発行元が設定にありません。anchors を確認してください。")
        case .expired:
            Words("The certificate has expired. It is renewed at the municipality.", "証明書の有効期限切れです。市区町村で更新してください。")
        case .revoked: Words("The certificate is revoked. The municipality can tell why.", "証明書が失効しています。市区町村に確認してください。")
        case .undetermined:
            Words(
                "No fresh revocation list covers the card. See `kazashi status`, lists.",
                "有効な失効リストがありません。kazashi status の lists を確認してください。")
        case .suspended:
            Words("The registration is suspended. Make it again at the counter.", "登録が停止中です。窓口で登録し直してください。")
        case .cardKeyUnknown:
            Words(
                "The record has no card key, and the configuration asks for one. Register again.",
                "カード鍵が未登録です。窓口で登録し直してください。")
        case .notProven:
            Words(
                "The card did not prove that it is the registered one. Look at it; register again if it is new.",
                "登録されたカードと確認できません。カードを確かめ、再交付なら登録し直してください。")
        case .triesLow:
            Words(
                "Few tries are left on the card; we touch none of them. The municipality resets them.",
                "カードの照合回数が残り少なくなっています。市区町村で初期化してください。")
        case .birthDateRefused:
            Words(
                "The card refused the registered birth date; the registration is suspended. Register again.",
                "登録の生年月日が一致しません。登録を停止しました。窓口で登録し直してください。")
        case .libraryUnreachable:
            Words(
                "A required library did not answer within five seconds. See `kazashi doctor`.",
                "図書館が 5 秒以内に応答しません。kazashi doctor で確認してください。")
        case .libraryRefused:
            Words(
                "A required library said no; the log has its word. See `kazashi doctor`.",
                "図書館が受け付けませんでした。kazashi doctor で確認してください。")
        case .tooSoon: Words("The same card right after its welcome: silent.", "確認直後の同じカードです（表示なし）。")
        case .outOfService:
            Words("The kiosk takes no taps now; the state line has its cause.", "現在利用できません。状態の原因を確認してください。")
        }
    }
}

extension Outcome {
    package var advice: Words {
        switch self {
        case .welcomed: Words("Welcomed: every required library acknowledged.", "確認済み。図書館が受け取りました。")
        case .refused(let refusal): refusal.advice
        }
    }

    /// In the order in which the first that applies is told.
    package static let all: [Outcome] = [.welcomed] + Refusal.allCases.map { .refused($0) }
}

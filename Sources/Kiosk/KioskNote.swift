package import Advice
internal import Login

/// What a kiosk's journal tells of the kiosk itself, beside taps and its state.
package enum KioskNote: String, Advised, CaseIterable {
    case cardLeft = "card_left"
    case birthDateRejected = "birth_date_rejected"
    case noToken = "no_token"
    case anchorLeftOut = "anchor_left_out"
    case signingKeyUnreadable = "signing_key_unreadable"
    case timeNotStored = "time_not_stored"
    case clockUnknown = "clock_unknown"
    case clockBehind = "clock_behind"
    case metricsNotWritten = "metrics_not_written"
    case statusUnavailable = "status_unavailable"
    case coreDumpsAllowed = "core_dumps_allowed"

    package var advice: Advice {
        let shownPath = Words(
            "Check permissions and free space of the path shown.", "表示されたパスの権限と空き容量を確認してください。")
        return switch self {
        case .cardLeft:
            Advice(
                "A card was left on the reader", "カードがリーダーに置き忘れられています。",
                do: "Keep the card safe; follow your lost-property rules.", "カードを保管し、館の規則に従って返却してください。")
        case .birthDateRejected:
            Advice(
                "Birth date rejected by a card that is not pinned yet", "公開鍵が固定されていない登録で、生年月日が一致しませんでした。",
                do:
                    "Check the registration's birth date. `sudo kazashictl registration list` marks those that are no longer tried; "
                    + "`sudo kazashictl registration retry ID` lets one be tried again.",
                "登録の生年月日を確認してください。照合を止めた登録は sudo kazashictl registration list で確認でき、sudo kazashictl registration retry ID で再開します。"
            )
        case .noToken:
            Advice(
                "No token could be made", "トークンを作成できません。",
                do:
                    "See problem in this line; check the libraries of the registration, and receiver_key or shared_key.",
                "この行の problem を確認し、登録に含まれる図書館と receiver_key（または shared_key）を確認してください。")
        case .anchorLeftOut:
            Advice(
                "A file among the trust anchors holds no certificate; skipped",
                "トラストアンカーのフォルダーに証明書ではないファイルがあります（読み飛ばしました）。",
                do: "Keep only certificates in the folders of trust.anchors.",
                "trust.anchors のフォルダーには証明書だけを置いてください。")
        case .signingKeyUnreadable:
            Advice(
                "The signing key cannot be read again", "署名鍵を読み直せません。",
                do: "The previous key stays in use. Fix the file, then run sudo systemctl reload kazashi.",
                "これまでの鍵を使い続けます。ファイルを直し、sudo systemctl reload kazashi を実行してください。")
        case .timeNotStored:
            Advice(Words("The time could not be stored", "時刻を保存できません。"), do: Cause.storage.advice.action)
        case .clockUnknown:
            Advice(
                "The kernel cannot be asked whether the clock is synchronised", "時計が同期しているかをカーネルに確認できません。",
                do:
                    "The sandbox must allow adjtimex and clock_adjtime: compare `systemctl cat kazashi` with kazashi.service.d/10-sandbox.conf.",
                "サンドボックスで adjtimex と clock_adjtime を許可してください（systemctl cat kazashi と kazashi.service.d/10-sandbox.conf を比較）。"
            )
        case .clockBehind: .clockBehind
        case .metricsNotWritten:
            Advice(Words("The metrics file cannot be written", "メトリクスファイルに書き込めません。"), do: shownPath)
        case .statusUnavailable:
            Advice(Words("The status socket could not be opened", "状態確認用のソケットを開けません。"), do: shownPath)
        case .coreDumpsAllowed:
            Advice(
                "Core dumps could not be turned off", "コアダンプを無効にできません。",
                do: "Set LimitCORE=0 for the service, as kazashi.service does.",
                "kazashi.service と同様に、サービスに LimitCORE=0 を設定してください。")
        }
    }
}

extension Advice {
    /// Of a kiosk, and found by the doctor.
    package static let clockBehind = Advice(
        "The system clock is earlier than the newest CRL or the time stored last", "システムの時計が、最新の失効リストまたは保存済みの時刻より前です。",
        do: "Set the clock by a time server; check the battery of the board's clock.",
        "時刻サーバーで時計を合わせ、基板の時計用電池を確認してください。")
}

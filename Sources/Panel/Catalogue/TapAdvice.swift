/// What staff are told about a tap's code: what it means, and what to do.
package enum TapAdvice: String, Sendable, CaseIterable {
    case ok, notThisCard, cardPulled, cardError, cardTimeout, unregistered, untrusted, expired, revoked, undetermined,
        suspended, cardKeyUnknown, notProven, triesLow, birthDateRefused, libraryUnreachable, libraryRefused, tooSoon,
        outOfService

    package var english: String { words.english }
    package var japanese: String { words.japanese }

    private var words: (english: String, japanese: String) {
        switch self {
        case .ok: ("Welcomed: every required library acknowledged.", "確認済み。図書館が受け取りました。")
        case .notThisCard:
            ("Another card, or a phone. Ask for the My Number Card itself.", "別のカードかスマートフォンです。マイナンバーカード本体を使ってください。")
        case .cardPulled:
            ("Taken away too early. Hold it still until the display says so.", "早く離れました。表示が変わるまで動かさないでください。")
        case .cardError:
            ("The card or reader failed. Take it out of its case; try again.", "読み取りエラーです。ケースから出して、もう一度かざしてください。")
        case .cardTimeout:
            ("More than five seconds. Out of the case, flat on the reader.", "5 秒を超えました。ケースから出して平らに置いてください。")
        case .unregistered:
            ("Not registered here. Register at the counter, with the PIN.", "未登録です。窓口で暗証番号を使って登録してください。")
        case .untrusted:
            (
                "The certificate is not of a pinned authority. Check [trust] anchors; else register again.",
                "証明書の発行元が設定にありません。anchors を確認してください。"
            )
        case .expired:
            ("The certificate has expired. It is renewed at the municipality.", "証明書の有効期限切れです。市区町村で更新してください。")
        case .revoked: ("The certificate is revoked. The municipality can tell why.", "証明書が失効しています。市区町村に確認してください。")
        case .undetermined:
            (
                "No fresh revocation list covers the card. See `kazashi status`, lists.",
                "有効な失効リストがありません。kazashi status の lists を確認してください。"
            )
        case .suspended: ("The registration is suspended. Make it again at the counter.", "登録が停止中です。窓口で登録し直してください。")
        case .cardKeyUnknown:
            (
                "The record has no card key, and the configuration asks for one. Register again.",
                "カード鍵が未登録です。窓口で登録し直してください。"
            )
        case .notProven:
            (
                "The card did not prove that it is the registered one. Look at it; register again if it is new.",
                "登録されたカードと確認できません。カードを確かめ、再交付なら登録し直してください。"
            )
        case .triesLow:
            (
                "Few tries are left on the card; we touch none of them. The municipality resets them.",
                "カードの照合回数が残り少なくなっています。市区町村で初期化してください。"
            )
        case .birthDateRefused:
            (
                "The card refused the registered birth date; the registration is suspended. Register again.",
                "登録の生年月日が一致しません。登録を停止しました。窓口で登録し直してください。"
            )
        case .libraryUnreachable:
            (
                "A required library did not answer within five seconds. See `kazashi doctor`.",
                "図書館が 5 秒以内に応答しません。kazashi doctor で確認してください。"
            )
        case .libraryRefused:
            (
                "A required library said no; the log has its word. See `kazashi doctor`.",
                "図書館が受け付けませんでした。kazashi doctor で確認してください。"
            )
        case .tooSoon: ("The same card right after its welcome: silent.", "確認直後の同じカードです（表示なし）。")
        case .outOfService: ("The kiosk takes no taps now; the state line has its cause.", "現在利用できません。状態の原因を確認してください。")
        }
    }
}

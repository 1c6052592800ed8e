internal import Files
package import Logging
package import Advice

/// What the journal tells of beside taps and the state, with what to do about it. The README's table is made of it.
package enum JournalCode: String, Sendable, CaseIterable {
    case cardLeft = "card_left"
    case noToken = "no_token"
    case owedWaits = "owed_waits"
    case owedRefused = "owed_refused"
    case owedExpired = "owed_expired"
    case owedDamaged = "owed_damaged"
    case outboxUnavailable = "outbox_unavailable"
    case listsWillRunOut = "lists_will_run_out"
    case listsRanOut = "lists_ran_out"
    case listSourceMissing = "list_source_missing"
    case listMemory = "list_memory"
    case listForgotten = "list_forgotten"
    case listAhead = "list_ahead"
    case listNumbersRebuilt = "list_numbers_rebuilt"
    case anchorLeftOut = "anchor_left_out"
    case signingKeyUnreadable = "signing_key_unreadable"
    case timeNotStored = "time_not_stored"
    case clockUnknown = "clock_unknown"
    case metricsNotWritten = "metrics_not_written"
    case statusUnavailable = "status_unavailable"
    case coreDumpsAllowed = "core_dumps_allowed"

    /// What happened, as the journal has it.
    package var meaning: String {
        switch self {
        case .cardLeft: "a card was left on the reader"
        case .noToken: "no token could be made"
        case .owedWaits: "owed events wait"
        case .owedRefused: "an owed event was refused for good and is dropped"
        case .owedExpired: "an owed event is dropped after thirty days"
        case .owedDamaged: "an owed event was damaged and is dropped"
        case .outboxUnavailable: "the outbox can not be read or written"
        case .listsWillRunOut: "revocation lists will run out"
        case .listsRanOut: "revocation lists have run out"
        case .listSourceMissing: "a source of lists is not there"
        case .listMemory: "what was taken from where could not be stored"
        case .listForgotten: "an operator made the store forget a list and its number"
        case .listAhead: "a list in the store lies ahead of the clock"
        case .listNumbersRebuilt: "the memory of CRL numbers was damaged and is made anew"
        case .anchorLeftOut: "a file among the anchors holds no certificate and is left out"
        case .signingKeyUnreadable: "the signing key can not be read again"
        case .timeNotStored: "the time could not be stored"
        case .clockUnknown: "the kernel can not be asked whether the clock is synchronised"
        case .metricsNotWritten: "the metrics can not be written"
        case .statusUnavailable: "nobody can ask for the status"
        case .coreDumpsAllowed: "core dumps could not be forbidden"
        }
    }

    package var advice: Words {
        switch self {
        case .cardLeft: Words("Take the card into safe keeping, as your rules have it.", "カードを保管し、館の規則に従って返却してください。")
        case .noToken:
            Words(
                "receiver_key (or shared_key) is not the library's: get its key anew.",
                "receiver_key（または shared_key）が図書館の鍵と違います。入手し直してください。")
        case .owedWaits:
            Words(
                "It is tried again by itself for thirty days. Check the network, the library's URL and its keys.",
                "30 日間は自動で再送します。ネットワーク、図書館の URL と鍵を確認してください。")
        case .owedRefused:
            Words(
                "The library never takes it. Compare kiosk.id, the audience and both clocks with the library's.",
                "図書館が受け付けません。kiosk.id・audience・双方の時計を図書館側と照合してください。")
        case .owedExpired:
            Words(
                "The library did not take it for thirty days: tell it by another way what changed.",
                "30 日間届きませんでした。変更内容を別の方法で図書館へ伝えてください。")
        case .owedDamaged:
            Words(
                "The database is not as it was written. Restore it from a copy, or move it away and register again.",
                "データベースが壊れています。控えから戻すか、登録し直してください。")
        case .outboxUnavailable:
            Words(
                "The database can not be read or written. Check the disk and the rights of the state folder.",
                "データベースを読み書きできません。ディスクと権限を確認してください。")
        case .listsWillRunOut, .listsRanOut:
            Words(
                "Cards that these lists cover are refused once they have run out. Check how lists come to the kiosk: "
                    + "[revocation] files and urls.",
                "期限が切れると、そのリストの対象カードは使えません。失効リストの配布（[revocation] の files と urls）を確認してください。")
        case .listSourceMissing: Words("Check the path and the rights of the file.", "ファイルの場所と権限を確認してください。")
        case .listForgotten:
            Words(
                "An older list of that scope can be taken now: give the store the newest one of its authority.",
                "この範囲では古いリストも取り込めるようになりました。発行元の最新のリストを取り込んでください。")
        case .listAhead:
            Words(
                "If the clock is right, make the store forget that list (`kazashi crl forget`) and import the authority's "
                    + "newest one; if not, set the clock.",
                "時計が正しければ `kazashi crl forget` でそのリストを削除し、最新のリストを取り込んでください。時計が違う場合は合わせてください。")
        case .listNumbersRebuilt:
            Words(
                "What could be read of it and the lists that are served were kept. Give the store the newest lists. If this "
                    + "comes again, check the disk.", "読み取れた記録と配信中のリストから作り直しました。最新のリストを取り込んでください。繰り返す場合はディスクを確認してください。")
        case .listMemory, .timeNotStored:
            Words(
                "Make room on the disk; the state folder must be writable, for what must outlive a start.",
                "ディスクの空きを増やし、state フォルダーに書き込めるようにしてください。")
        case .anchorLeftOut, .signingKeyUnreadable:
            Words("Give a file that holds such a key, certificate or list.", "正しい鍵・証明書のファイルを指定してください。")
        case .clockUnknown:
            Words(
                "The sandbox must allow adjtimex and clock_adjtime: compare the service with systemd/sandbox.conf.",
                "サンドボックスで adjtimex と clock_adjtime を許可してください（systemd/sandbox.conf と比較）。")
        case .metricsNotWritten, .statusUnavailable:
            Words("Check the rights and the room of that folder.", "フォルダーの権限と空きを確認してください。")
        case .coreDumpsAllowed:
            Words("Set LimitCORE=0 for the service, as kazashi.service does.", "サービスに LimitCORE=0 を設定してください。")
        }
    }
}

extension Logger {
    /// One line with a code and what to do about it, in both languages.
    package func note(_ code: JournalCode, at level: Level = .warning, _ more: Metadata = [:]) {
        log(level: level, "\(code.meaning)", metadata: Self.words(code.rawValue, code.advice, more))
    }

    package static func words(_ code: String, _ advice: Words, _ more: Metadata = [:]) -> Metadata {
        more.merging(["code": "\(code)", "advice": "\(advice.english)", "対処": "\(advice.japanese)"]) { $1 }
    }
}

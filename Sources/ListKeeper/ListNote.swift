package import Advice

/// What a kiosk's journal tells of its CRLs, beside why one was rejected.
package enum ListNote: String, Advised, CaseIterable {
    case willExpire = "lists_will_run_out"
    case expired = "lists_ran_out"
    case sourceMissing = "list_source_missing"
    case sourcesNotSaved = "list_memory"
    case forgotten = "list_forgotten"
    case ahead = "list_ahead"
    case numbersRebuilt = "list_numbers_rebuilt"

    package var advice: Advice {
        let delivery = Words(
            "Cards covered by an expired CRL are refused. Check CRL delivery: [revocation] files, urls.",
            "期限の切れた失効リストの対象カードは使えません。失効リストの配布（[revocation] の files と urls）を確認してください。")
        return switch self {
        case .willExpire: Advice(Words("CRLs will expire soon", "失効リストの期限がまもなく切れます。"), do: delivery)
        case .expired: Advice(Words("CRLs have expired", "失効リストの期限が切れました。"), do: delivery)
        case .sourceMissing:
            Advice(
                "A source of CRLs is missing", "失効リストの取得元がありません。", do: "Check the path and file permissions.",
                "パスと権限を確認してください。")
        case .sourcesNotSaved:
            Advice(
                "The record of CRL sources could not be saved", "失効リストの取得記録を保存できません。",
                do: "Free disk space, and check state folder permissions.",
                "ディスクの空き容量を増やし、state フォルダーの権限を確認してください。")
        case .forgotten:
            Advice(
                "An operator removed a CRL and its number from the store", "操作により、失効リストとその番号を CRL 保存先から削除しました。",
                do: "Older CRLs of that scope are accepted now: import the CA's latest.",
                "この対象範囲では古い失効リストも取り込めます。認証局の最新の失効リストを取り込んでください。")
        case .ahead:
            Advice(
                "A CRL in the store lies ahead of the clock", "CRL 保存先の失効リストの日付が時計より先です。",
                do:
                    "If the clock is right, run `sudo kazashictl crl forget ID` and import the CA's latest CRL; if not, set the "
                    + "clock.",
                "時計が正しければ sudo kazashictl crl forget ID で削除し、認証局の最新の失効リストを取り込んでください。時計が違う場合は合わせてください。")
        case .numbersRebuilt:
            Advice(
                "The record of CRL numbers was damaged and has been rebuilt", "CRL 番号の記録が破損していたため、作り直しました。",
                do: "Import the latest CRLs. If this comes again, check the disk.",
                "最新の失効リストを取り込んでください。繰り返す場合はディスクを確認してください。")
        }
    }
}

/// Why a source gave no CRL, where it is not the CRL's own fault.
package enum SourceFault: String, Advised, CaseIterable {
    case unreadable
    case unusableURL = "unusable_url"
    case network
    case failed

    package var advice: Advice {
        switch self {
        case .unreadable:
            Advice(
                "A file of CRLs or certificates cannot be used", "失効リストまたは証明書のファイルを使用できません。",
                do: "Check the path; certificates and CRLs are PEM or DER.", "ファイルの場所と形式（PEM か DER）を確認してください。")
        case .unusableURL:
            Advice(
                "A URL of CRLs cannot be used", "失効リストの URL を使用できません。",
                do: "Write it as http://HOST/PATH or https://HOST/PATH; an IPv6 address stands in [ ].",
                "http://ホスト/パス か https://ホスト/パス の形で指定してください（IPv6 アドレスは [ ] で囲みます）。")
        case .network:
            Advice(
                "A CRL could not be fetched", "失効リストを取得できません。",
                do: "The kiosk retries automatically; the previous CRL stays in use. Check network and URL.",
                "端末は自動で再試行します（これまでの失効リストを使い続けます）。ネットワークと URL を確認してください。")
        case .failed:
            Advice(
                "An import failed", "取り込みに失敗しました。",
                do: "The previous CRL stays in use. Import it again; if that fails too, check the disk.",
                "これまでの失効リストを使い続けます。もう一度取り込み、繰り返す場合はディスクを確認してください。")
        }
    }
}

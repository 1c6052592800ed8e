package import Advice

extension RevocationError.Code: Advised {
    package var advice: Advice {
        switch self {
        case .noCRL:
            Advice(
                "No CRL of the certificate's issuer", "発行者の失効リストがありません。",
                do: "Import the CA's CRL, or name it with --crl.",
                "認証局の失効リストを取り込むか、--crl で指定してください。")
        case .crlStale:
            Advice(
                "The CRL has expired", "失効リストの期限が切れています。", do: "Import the CA's latest CRL.",
                "認証局の最新の失効リストを取り込んでください。")
        case .crlScope:
            Advice(
                "No CRL covers the certificate", "この電子証明書を対象とする失効リストがありません。",
                do: "Import the CRL of its distribution point.", "配布点に対応する失効リストを取り込んでください。")
        case .crlUnusable:
            Advice(
                "The CRL is malformed, breaks a rule, or its signature is invalid",
                "失効リストの形式が正しくないか、規則に反するか、署名が無効です。",
                do:
                    "A kiosk goes on with the previous CRL. Get the CRL again from the CA; its issuer's certificate must be in "
                    + "trust.anchors, or in --issuer.",
                "端末はこれまでの失効リストを使い続けます。認証局から取り直してください。発行者の証明書が trust.anchors（または --issuer）に必要です。")
        case .crlRollback:
            Advice(
                "The CRL is older than one that was accepted", "受け入れ済みのものより古い失効リストです。",
                do: "Older CRLs, and others with the same CRL number, are rejected. Get the latest from the CA.",
                "古い失効リストと、CRL 番号が同じ別の失効リストは拒否します。認証局から最新のものを取得してください。")
        case .crlAhead:
            Advice(
                "The CRL lies ahead of the clock", "失効リストの日付が時計より先です。",
                do: "If the clock is wrong, set it and import the CRL again; if it is right, ask the CA.",
                "時計が違う場合は合わせてから、もう一度取り込んでください。時計が正しければ、認証局に確認してください。")
        case .storeUnavailable:
            Advice(
                "The CRL store cannot be read or written", "CRL 保存先を読み書きできません。",
                do: "The previous CRL stays in use. Free disk space, and check state folder permissions.",
                "これまでの失効リストを使い続けます。ディスクの空き容量を増やし、state フォルダーの権限を確認してください。")
        case .storeDamaged:
            Advice(
                "An index in the CRL store is damaged", "CRL 保存先の索引が破損しています。",
                do: "The index is rebuilt from its source. If this comes again, check the disk.",
                "索引は元の失効リストから作り直します。繰り返す場合はディスクを確認してください。")
        }
    }
}

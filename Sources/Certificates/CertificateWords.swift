package import Advice

extension CertificateError.Code: Advised {
    package var advice: Advice {
        let registerAgain = Words(
            "Check that it is the right certificate; if it is a patron's, register again.",
            "正しい証明書か確認してください。利用者のものなら登録し直してください。")
        return switch self {
        case .noPath:
            Advice(
                "There is no path to a configured CA", "設定された認証局までの認証パスがありません。",
                do: "Name the CA's certificate (trust.anchors, --anchor), and intermediates where there are some.",
                "認証局の証明書（trust.anchors、--anchor）と、あれば中間証明書を指定してください。")
        case .signature:
            Advice(
                Words("A signature of the path is invalid", "証明書の署名が正しくありません。"), do: registerAgain)
        case .expired:
            Advice(
                "A certificate has expired", "証明書の有効期限が切れています。",
                do: "Have it renewed; a patron's at the municipal office. Check the clock.",
                "更新してください（利用者の証明書は市区町村の窓口）。時計も確認してください。")
        case .notYetValid:
            Advice(
                "A certificate is not valid yet", "証明書の有効期間がまだ始まっていません。", do: "Check the clock.",
                "時計を確認してください。")
        case .keyUsage:
            Advice(
                Words("A certificate's key may not be used for this", "証明書の鍵の用途が違います。"), do: registerAgain)
        case .policy:
            Advice(
                "A required certificate policy is missing", "必要な証明書ポリシーがありません。",
                do: "Check trust.policies, or --policy.", "trust.policies（または --policy）を確認してください。")
        case .constraints:
            Advice(
                Words("A certificate breaks a constraint of its path", "証明書が認証パスの制約に反しています。"),
                do: registerAgain)
        case .malformed:
            Advice(
                "A certificate is malformed", "証明書の形式が正しくありません。", do: "Check the file: certificates are PEM or DER.",
                "ファイルを確認してください（証明書は PEM か DER）。")
        }
    }
}

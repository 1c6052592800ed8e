package import Advice

extension RegistryError.Code: Advised {
    package var advice: Advice {
        switch self {
        case .wrongKey:
            Advice(
                "Storage key does not match this database; nothing changed", "保存用の鍵がデータベースと一致しません（変更していません）。",
                do: "Set the right kiosk.storage_key, or move the database away and register again.",
                "正しい鍵を指定するか、データベースを退避して登録し直してください。")
        case .damaged:
            Advice(
                "Database damaged", "データベースが破損しています。",
                do: "Restore a backup, or move it away and register again.",
                "バックアップから復元するか、退避して登録し直してください。")
        case .unavailable:
            Advice(
                "Cannot read or write the database", "データベースを読み書きできません。",
                do: "Check the disk and state folder permissions.", "ディスクと state フォルダーの権限を確認してください。")
        case .newerSchema:
            Advice(
                "Database made by a newer version; nothing changed", "新しい版の kazashi で作られたデータベースです（変更していません）。",
                do: "Install that version, or move the database away and register again.",
                "その版を入れるか、データベースを退避して登録し直してください。")
        case .unknownID:
            Advice(
                "No registration has that id", "その ID の登録はありません。", do: "See `sudo kazashictl registration list`.",
                "sudo kazashictl registration list で確認してください。")
        case .libraryTaken:
            Advice(
                "A registration has a PPID under both names; nothing changed", "両方の名前の PPID を持つ登録があります（変更していません）。",
                do:
                    "Find it with `sudo kazashictl registration list`, remove it, and register it again under the new name.",
                "sudo kazashictl registration list で確認して削除し、新しい名前で登録し直してください。")
        case .otherCardKey:
            Advice(
                "A different card public key is pinned", "別のカードの公開鍵が固定されています。",
                do:
                    "Check patron and card at the counter, then run `sudo kazashictl registration forget-card-key ID` and register.",
                "カウンターで本人とカードを確認し、sudo kazashictl registration forget-card-key ID を実行後、登録してください。")
        }
    }
}

package import Advice

extension RegistryError.Code {
    /// What the code means.
    package var meaning: String {
        switch self {
        case .wrongKey: "the storage key is not the database's"
        case .damaged: "the registrations are damaged"
        case .unavailable: "the registrations can't be read or written"
        case .newerSchema: "the database was made by a newer version"
        case .unknownID: "no registration has that id"
        case .otherCardKey: "another card key is pinned"
        }
    }
}

extension RegistryError {
    /// What an operator is to do about it.
    package var advice: Words {
        switch code {
        case .wrongKey:
            Words(
                "The storage key is not the one this database was made with; nothing was changed. Give the right "
                    + "kiosk.storage_key, or move the database away and register again.",
                "保存用の鍵がデータベースと一致しません（変更していません）。正しい鍵を指定してください。")
        case .damaged:
            Words(
                "The database is not as it was written. Restore it from a copy, or move it away and register again.",
                "データベースが壊れています。控えから戻すか、登録し直してください。")
        case .unavailable:
            Words(
                "The database can not be read or written. Check the disk and the rights of the state folder.",
                "データベースを読み書きできません。ディスクと権限を確認してください。")
        case .newerSchema:
            Words(
                "A newer version of kazashi made this database; nothing changed. Install that version, or move the database away "
                    + "and register again.", "新しい版の kazashi で作られたデータベースです（変更していません）。その版を入れるか、退避して登録し直してください。")
        case .unknownID: Words("No registration has that id; see `kazashi registration list`.", "その ID の登録はありません。")
        case .otherCardKey:
            Words(
                "Another card key is pinned: use `kazashi registration forget-card-key` first, at the counter.",
                "別のカード鍵が登録されています。窓口で forget-card-key を実行してから登録してください。")
        }
    }
}

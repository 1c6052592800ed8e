package import Advice
package import Panel

extension SetupCode: Advised {
    package var code: String { rawValue }

    package var advice: Advice {
        switch self {
        case .unreadable:
            Advice(
                "The partition KAZASHI cannot be read", "KAZASHI の領域を読み取れません。",
                do: "Repair it on a computer, or format it as FAT32 and copy your files to it again.",
                "パソコンで修復するか、FAT32 で初期化してファイルを入れ直してください。")
        case .missing:
            Advice(
                "There is no kazashi.toml on the partition KAZASHI", "KAZASHI の領域に kazashi.toml がありません。",
                do: "Copy kazashi-template.toml to kazashi.toml there and fill it in.",
                "kazashi-template.toml を kazashi.toml という名前でコピーし、必要事項を記入してください。")
        case .wrong:
            Advice(
                "kazashi.toml cannot be used", "kazashi.toml を使用できません。",
                do: "Correct it as this report says, then switch the board off and on.",
                "この報告に従って直し、電源を入れ直してください。")
        case .tooLarge:
            Advice(
                "Too many or too large files on the partition KAZASHI", "KAZASHI の領域のファイルが多すぎるか、大きすぎます。",
                do: "Leave only what kazashi.toml names.", "kazashi.toml に書いたファイルだけを残してください。")
        case .notKept:
            Advice(
                "The data partition does not take the settings", "データ領域に設定を保存できません。",
                do: "Switch the board off and on; if this stays, replace the card or disk.",
                "電源を入れ直してください。直らない場合は、カードまたはディスクを交換してください。")
        }
    }
}

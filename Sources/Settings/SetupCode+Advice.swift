package import Advice
package import Panel

extension SetupCode: Advised {
    package var code: String { rawValue }

    package var advice: Advice {
        switch self {
        case .unreadable:
            Advice(
                "The partition KAZASHI cannot be read", "KAZASHI ドライブを読み取れません。",
                do: "Repair it on a computer, or format it as FAT32 and copy your files to it again.",
                "パソコンで修復するか、FAT32 形式でフォーマットし、ファイルを入れ直してください。")
        case .missing:
            Advice(
                "There is no kazashi.toml on the partition KAZASHI", "KAZASHI ドライブに kazashi.toml がありません。",
                do: "Copy kazashi-template.toml to kazashi.toml there and fill it in.",
                "kazashi-template.toml を kazashi.toml という名前でコピーし、必要事項を記入してください。")
        case .wrong:
            Advice(
                "kazashi.toml cannot be used", "kazashi.toml を使用できません。",
                do: "Correct it as kazashi-report.txt says, then switch the board off and on.",
                "kazashi-report.txt に従って直し、電源を入れ直してください。")
        case .tooLarge:
            Advice(
                "Too many or too large files are named in kazashi.toml", "kazashi.toml に書かれたファイルが多すぎるか、大きすぎます。",
                do: "Name fewer, or smaller ones: 48 MB and 1,000 files at the most.",
                "48 MB、1,000 個までにしてください。")
        case .notKept:
            Advice(
                "The data partition does not take the settings", "データ領域に設定を保存できません。",
                do: "Switch the board off and on; if this stays, replace the card or disk.",
                "電源を入れ直してください。直らない場合は、カードまたはディスクを交換してください。")
        case .unwritable:
            Advice(
                "Nothing can be written on the partition KAZASHI: there is no new report",
                "KAZASHI ドライブに書き込めないため、報告を更新できません。",
                do: "Make room on it, or take its write protection away; the settings there serve.",
                "空き容量を増やすか、書き込み禁止を解除してください。設定は有効です。")
        case .notReset:
            Advice(
                "A factory reset was asked for and was not made: the medium takes no changes",
                "ディスクに書き込めないため、初期化できませんでした。",
                do: "Take its write protection away and switch off and on; if this stays, destroy the medium.",
                "書き込み禁止を解除し、電源を入れ直してください。直らない場合は、ディスクを物理的に破壊してください。")
        }
    }
}

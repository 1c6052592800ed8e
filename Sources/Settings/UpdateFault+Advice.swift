package import Advice
package import Panel

extension UpdateFault: Advised {
    package var code: String { rawValue }

    package var advice: Advice {
        switch self {
        case .notBelieved:
            Advice(
                "The update is not signed for this board, or it is damaged",
                "更新ファイルの署名がこの端末用でないか、ファイルが破損しています。",
                do: "Download it again from whoever gave you the image.", "イメージの提供元からもう一度ダウンロードしてください。")
        case .notNewer:
            Advice(
                "The update is not newer than what this board runs or ran before",
                "更新ファイルが、この端末で使用中または以前使用した版より新しくありません。",
                do: "Nothing needs to be done; an older version cannot be installed.",
                "対応は不要です。古い版は導入できません。")
        case .triedBefore:
            Advice(
                "This version was tried on this board and did not start well", "この版は以前この端末で正常に起動しませんでした。",
                do: "Wait for a newer version.", "新しい版が出るまでお待ちください。")
        case .notInstalled:
            Advice(
                "The update could not be read or written to the end", "更新ファイルを最後まで読み書きできませんでした。",
                do: "Plug the stick in again, or download the file again; if this stays, replace the card or disk.",
                "USB メモリーを挿し直すか、もう一度ダウンロードしてください。直らない場合は、カードまたはディスクを交換してください。")
        case .fellBack:
            Advice(
                "A newer system did not start well: the one before it runs", "新しい版が正常に起動しなかったため、前の版で動作しています。",
                do: "Nothing needs to be done now; install a newer version when there is one.",
                "今は対応不要です。新しい版が出たら導入してください。")
        case .didNotStart:
            Advice(
                "A system that ran well before did not start three times: the one before it runs",
                "以前正常に動作していた版が 3 回起動できなかったため、その前の版で動作しています。",
                do: "Switch off and on, and leave it on; if this stays, replace the card or disk.",
                "電源を入れ直し、そのままお待ちください。直らない場合は、カードまたはディスクを交換してください。")
        }
    }
}

package import Advice
package import SecurityEvents

extension PushError: Advised {
    /// What an operator of the kiosk is told when a library rejects its tokens by this name.
    package var advice: Advice {
        switch self {
        case .invalidKey:
            Advice(
                "The library does not know a key of this kiosk's tokens", "図書館側がトークンの鍵を認識できません。",
                do: "Give `sudo kazashictl key show` to the library, and get its receiver_key (or shared_key) again.",
                "sudo kazashictl key show の出力を図書館に渡し、receiver_key（または shared_key）も入手し直してください。")
        case .invalidIssuer:
            Advice(
                "The library knows this key under another kiosk.id", "図書館側ではこの鍵が別の kiosk.id で登録されています。",
                do: "Compare kiosk.id with the library's.", "kiosk.id を図書館側と照合してください。")
        case .invalidAudience:
            Advice(
                "The library has another audience", "図書館側の audience が異なります。",
                do: "Compare the audience with the library's.", "audience を図書館側と照合してください。")
        case .authenticationFailed:
            Advice(
                "The signature is not by the key that the library knows", "図書館側が知る鍵による署名ではありません。",
                do: "Give `sudo kazashictl key show` to the library again.",
                "sudo kazashictl key show の出力を図書館に再登録してください。")
        case .accessDenied:
            Advice(
                "The library has disabled this kiosk", "図書館側でこの端末が無効にされています。",
                do: "Ask the library to enable it.", "図書館に有効化を依頼してください。")
        case .staleIssueTime:
            Advice(
                "The library's clock and this kiosk's differ", "図書館側の時計とこの端末の時計がずれています。",
                do: "Set both clocks by a time server. Pending events are retried.",
                "双方の時計を時刻サーバーに同期させてください（未送達イベントは再送します）。")
        case .invalidRequest:
            Advice(
                "The library's receiver does not accept the token's form", "図書館側の受信プログラムがトークンの形式を受け付けません。",
                do:
                    "Have its vendor test it with the vectors (receive.md). An older receiver says this of clocks that differ, too.",
                "受信プログラムの開発元に、テストベクター（receive.md）での確認を依頼してください。古い受信プログラムでは時計のずれも原因になります。")
        }
    }

    /// Of a rejection without a name.
    package static let rejected = Advice(
        "The library rejects this kiosk's tokens", "図書館側がこの端末のトークンを拒否しています。",
        do: "Give `sudo kazashictl key show` to the library again; compare kiosk.id, the audience and both clocks.",
        "sudo kazashictl key show の出力を図書館に再登録し、kiosk.id・audience・双方の時計を照合してください。")
}

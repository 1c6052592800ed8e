package import Advice
package import SecurityEvents

extension PushError: Advised {
    package var code: String { rawValue }

    /// What an operator of the kiosk is told when a library rejects its tokens by this name.
    package var advice: Advice {
        switch self {
        case .invalidKey:
            Advice(
                "The library does not know a key of this kiosk's tokens", "図書館側がトークンの鍵を認識できません。",
                do: "Get the library's receiver_key (or shared_key) again.",
                "図書館の receiver_key（または shared_key）を入手し直してください。")
        case .invalidRequest, .invalidIssuer, .invalidAudience, .authenticationFailed, .accessDenied:
            Self.rejected
        }
    }

    /// Also of a rejection without a name.
    package static let rejected = Advice(
        "The library rejects this kiosk's tokens", "図書館側がこの端末のトークンを拒否しています。",
        do: "Give `sudo kazashictl key show` to the library again; compare kiosk.id, the audience and both clocks.",
        "sudo kazashictl key show の出力を図書館に再登録し、kiosk.id・audience・双方の時計を照合してください。")
}

package import Advice
internal import Registry

/// What an operator is told of pending events.
package enum OutboxTrouble: String, Advised, CaseIterable {
    case waiting = "owed_waits"
    case refused = "owed_refused"
    case tooLarge = "owed_too_large"
    case expired = "owed_expired"
    case damaged = "owed_damaged"
    case unavailable = "outbox_unavailable"

    package var advice: Advice {
        switch self {
        case .waiting:
            Advice(
                "Pending events wait for a library", "図書館への未送達イベントがあります。",
                do: "Retried automatically for 30 days. Check the network, the library's URL and its keys.",
                "30 日間は自動で再送します。ネットワーク、図書館の URL と鍵を確認してください。")
        case .refused:
            Advice(
                "Pending event rejected and dropped", "図書館側が拒否し、未送達イベントを破棄しました。",
                do:
                    "See err in this line; tell the library what this event reports.",
                "この行の err を確認し、このイベントの内容を図書館へ直接連絡してください。")
        case .tooLarge:
            Advice(
                "Pending event fits into no token; dropped", "未送達イベントがトークンの上限を超えるため、破棄しました。",
                do: "Shorten the library's audience or kiosk.id; tell the library what this event reports.",
                "audience または kiosk.id を短くし、このイベントの内容を図書館へ直接連絡してください。")
        case .expired:
            Advice(
                "Pending event not accepted for 30 days; dropped", "30 日間届かず、未送達イベントを破棄しました。",
                do: "Tell the library what this event reports.", "このイベントの内容を図書館へ直接連絡してください。")
        case .damaged:
            Advice(
                "Pending event damaged; dropped", "未送達イベントが破損しており、破棄しました。",
                do: "Check the disk; tell the library that an event was lost.",
                "ディスクを確認し、イベントが失われたことを図書館へ連絡してください。")
        case .unavailable:
            Advice(
                Words("Pending events cannot be read or written", "未送達イベントを読み書きできません。"),
                do: RegistryError.Code.unavailable.advice.action)
        }
    }
}

package import Advice

extension Cause {
    /// What to do where the kiosk is the appliance's image: it has no shell, and settings come from the partition KAZASHI.
    package var adviceOnTheImage: Advice {
        let action =
            switch self {
            case .configuration:
                Words(
                    "Correct kazashi.toml as kazashi-report.txt says, then switch the board off and on.",
                    "kazashi-report.txt に従って kazashi.toml を直し、電源を入れ直してください。")
            case .clock:
                Words(
                    "Connect the network, or name a time server that the board reaches in time_servers; it goes on by itself.",
                    "ネットワークにつなぐか、到達できる時刻サーバーを time_servers に指定してください。自動で復旧します。")
            case .reader:
                Words(
                    "Plug the reader in, or try another one; leave reader.name empty, or compare it.",
                    "リーダーを接続し直すか、別のリーダーで試してください。reader.name は空にするか、確認してください。")
            case .cardService:
                Words(
                    "Unplug the reader and plug it in again; if this stays, switch the board off and on.",
                    "リーダーを抜き差ししてください。直らない場合は、電源を入れ直してください。")
            case .revocation:
                Words(
                    "Put the CA's CRL beside kazashi.toml, name it in [revocation] files, and switch off and on; or set its URL in urls.",
                    "認証局の失効リストを kazashi.toml と同じ場所に置き、[revocation] の files に書いて電源を入れ直すか、urls に URL を指定してください。")
            case .registry:
                Words(
                    "Switch the board off and on; if this stays, replace the card or disk.",
                    "電源を入れ直してください。直らない場合は、カードまたはディスクを交換してください。")
            case .storage:
                Words(
                    "Take a write protection away and switch off and on; if this stays, use a larger card or disk.",
                    "書き込み禁止を解除し、電源を入れ直してください。直らない場合は、容量の大きいカードまたはディスクに交換してください。")
            }
        return Advice(advice.happened, do: action)
    }
}

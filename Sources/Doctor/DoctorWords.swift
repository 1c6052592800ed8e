package import Advice

/// What the doctor says is to be done.
extension Words {
    package static let fileUnreadable = Words("Check the path and the rights of the file.", "ファイルの場所と権限を確認してください。")
    package static let configurationOlder = Words(
        "Run `sudo systemctl reload kazashi`: a changed configuration that can be used starts the kiosk anew.",
        "sudo systemctl reload kazashi を実行してください。変更した設定で端末が再起動します。")
    package static let badKey = Words(
        "Give a file that holds such a key, certificate or list.", "正しい鍵・証明書のファイルを指定してください。")
    package static let testCards = Words(
        "Only for trials: take trust.test and the test anchors out before patrons come.",
        "試験用の設定です。本番では trust.test と試験用証明書を外してください。")
    package static let kioskNotRunning = Words("Start it: systemctl start kazashi.", "起動してください：systemctl start kazashi")
    package static let outOfServiceNow = Words("The lines below say what is missing.", "以下の項目を確認してください。")
    package static let asRoot = Words(
        "Root may do everything; sudo kazashictl doctor shows what the service may.",
        "root では権限を確認できません。sudo kazashictl doctor を実行してください。")
    package static let clockUnknown = Words(
        "The sandbox must allow adjtimex and clock_adjtime: compare the service with systemd/sandbox.conf.",
        "サンドボックスで adjtimex と clock_adjtime を許可してください（systemd/sandbox.conf と比較）。")
    package static let clockUnset = Words(
        "Give the board a time server (systemd-timesyncd) or a battery clock; with a clock of your own trust set "
            + "time.source to \"system\".", "時刻サーバー（systemd-timesyncd）か電池付き時計を用意してください。")
    package static let anchorExpired = Words(
        "Get the authority's new certificate and put it beside the old one.", "認証局の新しい証明書を入手して追加してください。")
    package static let noLists = Words(
        "Put a revocation list of the anchors' authority into [revocation] files, or name its URL.",
        "[revocation] の files か urls に、認証局の失効リストを用意してください。")
    package static let listsRunOut = Words(
        "Cards that these lists cover are refused once they have run out. Check how lists come to the kiosk: "
            + "[revocation] files and urls.",
        "期限が切れると、そのリストの対象カードは使えません。失効リストの配布（[revocation] の files と urls）を確認してください。")
    package static let noCardService = Words(
        "See `systemctl status pcscd.socket`, and that board/polkit's rule is installed for the user kazashi.",
        "systemctl status pcscd.socket と、polkit のルール（board/polkit）を確認してください。")
    package static let noReader = Words(
        "Plug the reader in; pcsc_scan lists what pcscd sees. Compare reader.name.",
        "リーダーを接続してください（pcsc_scan で一覧）。reader.name も確認してください。")
    package static let readerHeld = Words(
        "Unplug the reader and plug it in again; if that does not help, restart pcscd.",
        "リーダーを抜き差ししてください。直らなければ pcscd を再起動してください。")
    package static let stateFolder = Words(
        "Make room on the disk; the state folder must be writable, for what must outlive a start.",
        "ディスクの空きを増やし、state フォルダーに書き込めるようにしてください。")
    package static let noRegistrations = Words(
        "Import them: kazashi registration import.", "kazashi registration import で登録してください。")
    package static let recordsDamaged = Words(
        "`kazashi registration list` names them. Remove these and register them again; check the disk.",
        "kazashi registration list で該当の ID を確認し、削除して登録し直してください。ディスクも確認してください。")
    package static let deviceBlocked = Words(
        "The device takes nothing more. Check its power, and that its flow control is off.",
        "機器が受け付けません。電源と、フロー制御が無効であることを確認してください。")
    package static let libraryUnreachable = Words(
        "Check the network, the library's url and its firewall; is its receiver running?",
        "ネットワーク、url、ファイアウォール、図書館側の受信プログラムを確認してください。")
    package static let libraryKey = Words(
        "receiver_key (or shared_key) is not the library's: get its key anew.",
        "receiver_key（または shared_key）が図書館の鍵と違います。入手し直してください。")
    package static let certificateEnds = Words(
        "Get a new one, and name its file in the library's part.", "新しい証明書を入手し、設定の図書館の項に指定してください。")
    package static let libraryName = Words(
        "Check the name in the library's url, and the board's name server.", "url のホスト名と DNS を確認してください。")
    package static let libraryTLS = Words(
        "Check the server's certificate and name, and the library's ca, client_certificate and client_key.",
        "サーバー証明書と名前、ca・client_certificate・client_key を確認してください。")
}

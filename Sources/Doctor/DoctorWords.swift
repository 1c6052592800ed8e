package import Advice
internal import Login

/// What only the doctor finds.
extension Advice {
    static let configurationOlder = Advice(
        "the kiosk runs with an older configuration than the file's", "動作中の端末は変更前の設定で動いています。",
        do: "Run `sudo systemctl reload kazashi`: a changed configuration that can be used starts the kiosk anew.",
        "sudo systemctl reload kazashi を実行してください。設定が正しければ、新しい設定で起動し直します。")
    static let testCards = Advice(
        "test cards are accepted (trust.test)", "試験用カードを受け付けます（trust.test）。",
        do: "Only for trials: remove trust.test and the test anchors before patrons come.",
        "試験用の設定です。本番では trust.test と試験用のトラストアンカー（card_anchors を含む）を外してください。")
    static let kioskNotRunning = Advice(
        "kazashi is not running", "kazashi が動作していません。", do: "Start it: sudo systemctl start kazashi.",
        "sudo systemctl start kazashi で起動してください。")
    static let listsNotImported = Advice(
        "no CRL imported yet", "失効リストをまだ取り込んでいません。",
        do: "Start the service: it imports what [revocation] files and urls name.",
        "サービスを起動してください。[revocation] の files と urls の失効リストを取り込みます。")
    static let asRoot = Advice(
        "checked as root, not as the service", "サービスのユーザーではなく root で点検しました。", do: "Run `sudo kazashictl doctor`.",
        "sudo kazashictl doctor で点検し直してください。")
    static let readerHeld = Advice(
        "the reader does not respond", "リーダーが応答しません。",
        do: "Unplug the reader and plug it in again; if that does not help, run `sudo systemctl restart pcscd`.",
        "リーダーを抜き差ししてください。直らなければ sudo systemctl restart pcscd を実行してください。")
    static let cardOnOtherReader = Advice(
        "a card lies on a reader, or a slot, that is not used", "使用していないリーダー（またはスロット）にカードがあります。",
        do: "Lay cards on the reader in use, or name the other one in reader.name.",
        "使用中のリーダーにかざすか、reader.name でそのリーダーを指定してください。")
    static let noRegistrations = Advice(
        "no registrations yet", "登録がまだありません。", do: "Import them: sudo kazashictl registration import RECORDS.json.",
        "sudo kazashictl registration import RECORDS.json で登録してください。")
    static let libraryUntried = Advice(
        "reached, but no token was tried: the clock is not believed", "接続できますが、時計が信頼できないためトークンは確認していません。",
        do: "Set the clock first.", "先に時計を合わせてください。")
    static let unknownHost = Advice(
        "unknown host name", "ホスト名が見つかりません。", do: "Check the name in the library's url, and the DNS server.",
        "url のホスト名と DNS を確認してください。")
}

extension Words {
    package static let anchorExpired = Words(
        "Get the CA's new certificate and add it beside the old one.", "認証局の新しい証明書を入手し、古いものと並べて追加してください。")
    static let recordsDamaged = Words(
        "`sudo kazashictl registration list` names them. Remove these and register them again; check the disk.",
        "sudo kazashictl registration list で該当の ID を確認し、削除して登録し直してください。ディスクも確認してください。")
    static let libraryRenamed = Words(
        "If it was renamed in kazashi.toml, run `sudo kazashictl library rename OLD NEW`. If it has left for good, import these "
            + "registrations again without it, or remove them.",
        "kazashi.toml で名前を変えた場合は sudo kazashictl library rename OLD NEW を実行してください。図書館がなくなった場合は、その図書館を除いて登録を取り込み直すか、削除してください。"
    )
    static let libraryNetwork = Words(
        "Check the network, the library's url and its firewall; is its receiver running? Over udp:// and plain http:// check "
            + "receiver_key and acknowledgement_key, too, and give `sudo kazashictl key show` to the library.",
        "ネットワーク、url、ファイアウォール、図書館側の受信プログラムを確認してください。udp:// と平文の http:// では receiver_key と acknowledgement_key も確認し、sudo kazashictl key show の出力を図書館に渡してください。"
    )
    static let libraryTLS = Words(
        "Check the server's certificate and name, and the library's ca, client_certificate and client_key.",
        "サーバー証明書と名前、ca・client_certificate・client_key を確認してください。")
    static let libraryCertificate = Words(
        "Get a new certificate and set its file in this [[library]] section.",
        "新しい証明書を入手し、設定の [[library]] の項に指定してください。")
}

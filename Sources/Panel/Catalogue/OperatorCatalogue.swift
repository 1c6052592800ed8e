/// What operators and technicians are told beside a code: what to do about it. Patrons' words are in `Message`.
package enum OperatorAdvice: String, Sendable, CaseIterable {
    // Configuration.
    case fileUnreadable, notTOML, unknownKey, missingKey, wrongValue, badKey, wrongMode, noCredential,
        configurationUnusable, configurationOlder
    // Parts of the panel.
    case deviceMissing, deviceRefused, deviceBusy, deviceWrongKind, deviceBlocked, deviceBroken
    // Registrations' database.
    case wrongStorageKey, databaseDamaged, databaseUnavailable, newerDatabase, recordsDamaged, recordDamaged,
        logHeld, unknownRegistration, otherCardKey
    // Records of an import.
    case notRecords, notARecord, recordCertificate, recordBirthDate, recordBirthKey, recordCardKey, recordLibrary,
        recordLength
    // What libraries are owed.
    case owedWaits, owedRefused, owedExpired
    // Keys.
    case keysExist, keyAlreadyPrepared, keyNotPrepared, keyNotWritten
    // What the doctor finds.
    case asRoot, kioskNotRunning, outOfServiceNow, stateFolder, clockUnset, clockUnknown, anchorExpired, testCards,
        noLists,
        noCardService,
        noReader,
        readerHeld, noRegistrations, libraryName, libraryUnreachable, libraryTLS, libraryKey, libraryRefuses,
        certificateEnds
    // What else the journal tells.
    case cardLeft, folderNotWritable, coreDumps
    // Certificates and lists.
    case certificateFile, listRefused, listRollback, listOfFuture, listNetwork, listURL, storeUnavailable, storeDamaged,
        listsRunOut, listForgotten, listAhead, numbersRebuilt

    package var english: String { words.english }
    package var japanese: String { words.japanese }

    private var words: (english: String, japanese: String) {
        switch self {
        case .fileUnreadable: ("Check the path and the rights of the file.", "ファイルの場所と権限を確認してください。")
        case .notTOML: ("Mend the line; the file is TOML 1.0.", "この行を TOML 1.0 として直してください。")
        case .unknownKey:
            ("Remove the key or mend its spelling; the README lists all keys.", "キーを削除するか綴りを直してください（README に一覧があります）。")
        case .missingKey: ("Add the key; the README shows an example.", "キーを追加してください（README に例があります）。")
        case .wrongValue: ("Give a value of the kind that is asked for.", "求められている形式の値にしてください。")
        case .badKey: ("Give a file that holds such a key, certificate or list.", "正しい鍵・証明書のファイルを指定してください。")
        case .wrongMode: ("Run chmod 0600 on the file: nobody else may read it.", "chmod 0600 で所有者だけが読めるようにしてください。")
        case .noCredential:
            (
                "Say it as the service would: sudo kazashictl, and the same words.",
                "sudo kazashictl に続けて同じコマンドを実行してください。"
            )
        case .configurationUnusable:
            (
                "Run `sudo kazashictl doctor`: it names the file, the line or key, and what to do. The kiosk reads the file again "
                    + "when it changes.",
                "sudo kazashictl doctor が設定の誤りと対処方法を示します。ファイルを直すと自動で読み直します。"
            )
        case .configurationOlder:
            (
                "Run `sudo systemctl reload kazashi`: a changed configuration that can be used starts the kiosk anew.",
                "sudo systemctl reload kazashi を実行してください。変更した設定で端末が再起動します。"
            )
        case .asRoot:
            (
                "Root may do everything; sudo kazashictl doctor shows what the service may.",
                "root では権限を確認できません。sudo kazashictl doctor を実行してください。"
            )
        case .deviceMissing:
            (
                "There is no such device. Check the cable, the overlay and the path; it is tried again every two seconds.",
                "機器が見つかりません。ケーブル、オーバーレイ、パスを確認してください（2 秒ごとに再試行します）。"
            )
        case .deviceRefused:
            (
                "The rights do not reach. Install the udev rules of board/udev, and see that the user kazashi is in their "
                    + "group.",
                "権限がありません。board/udev のルールを入れ、ユーザー kazashi のグループを確認してください。"
            )
        case .deviceBusy:
            ("Another program holds the device: end it (fuser names it).", "別のプログラムが使用中です（fuser で確認し、終了してください）。")
        case .deviceWrongKind:
            (
                "It is another kind of device: a display wants a serial line, a beeper an input device with tones and "
                    + "without keys.",
                "機器の種類が違います。表示器にはシリアル回線、ブザーには音だけの入力デバイスを指定してください。"
            )
        case .deviceBlocked:
            (
                "The device takes nothing more. Check its power, and that its flow control is off.",
                "機器が受け付けません。電源と、フロー制御が無効であることを確認してください。"
            )
        case .deviceBroken: ("The device fails. Check it and its cable.", "機器の異常です。機器とケーブルを確認してください。")
        case .wrongStorageKey:
            (
                "The storage key is not the one this database was made with; nothing was changed. Give the right "
                    + "kiosk.storage_key, or move the database away and register again.",
                "保存用の鍵がデータベースと一致しません（変更していません）。正しい鍵を指定してください。"
            )
        case .databaseDamaged:
            (
                "The database is not as it was written. Restore it from a copy, or move it away and register again.",
                "データベースが壊れています。控えから戻すか、登録し直してください。"
            )
        case .databaseUnavailable:
            (
                "The database can not be read or written. Check the disk and the rights of the state folder.",
                "データベースを読み書きできません。ディスクと権限を確認してください。"
            )
        case .recordsDamaged:
            (
                "`kazashi registration list` names them. Remove these and register them again; check the disk.",
                "kazashi registration list で該当の ID を確認し、削除して登録し直してください。ディスクも確認してください。"
            )
        case .recordDamaged:
            (
                "Remove it (kazashi registration remove ID) and register again; check the disk.",
                "kazashi registration remove ID で削除し、登録し直してください。ディスクも確認してください。"
            )
        case .logHeld:
            (
                "Another program reads the database: what was removed leaves its log when that ends. Run the command again then.",
                "別のプログラムがデータベースを使用中です。終了後にもう一度実行すると、ログからも消去されます。"
            )
        case .newerDatabase:
            (
                "A newer version of kazashi made this database; nothing changed. Install that version, or move the database away "
                    + "and register again.",
                "新しい版の kazashi で作られたデータベースです（変更していません）。その版を入れるか、退避して登録し直してください。"
            )
        case .unknownRegistration:
            (
                "No registration has that id; see `kazashi registration list`.",
                "その ID の登録はありません。"
            )
        case .otherCardKey:
            (
                "Another card key is pinned: use `kazashi registration forget-card-key` first, at the counter.",
                "別のカード鍵が登録されています。窓口で forget-card-key を実行してから登録してください。"
            )
        case .notRecords: ("No JSON array of records; nothing was stored.", "記録の JSON 配列ではありません（何も登録していません）。")
        case .notARecord:
            ("Not an object with certificate, ppid and birth_date.", "certificate・ppid・birth_date を持つ記録ではありません。")
        case .recordCertificate: ("certificate is not one PEM block.", "certificate が PEM ひとつではありません。")
        case .recordBirthDate: ("birth_date is not YYYY-MM-DD.", "birth_date が YYYY-MM-DD ではありません。")
        case .recordBirthKey:
            (
                "birth_key is not six digits, or is needed for a birth before 1912-07-30.",
                "birth_key が数字 6 桁ではないか、1912-07-30 より前の生年月日に必要です。"
            )
        case .recordCardKey:
            ("card_key is no base64 DER of an RSA key of 2048 bits or more.", "card_key が 2048 ビット以上の RSA 公開鍵ではありません。")
        case .recordLibrary: ("ppid names none of the configured libraries.", "ppid に設定済みの図書館がありません。")
        case .recordLength:
            ("A ppid or service_id is empty or longer than 64 bytes.", "ppid か service_id が空か、64 バイトを超えています。")
        case .owedWaits:
            (
                "It is tried again by itself for thirty days. Check the network, the library's URL and its keys.",
                "30 日間は自動で再送します。ネットワーク、図書館の URL と鍵を確認してください。"
            )
        case .owedRefused:
            (
                "The library never takes it. Compare kiosk.id, the audience and both clocks with the library's.",
                "図書館が受け付けません。kiosk.id・audience・双方の時計を図書館側と照合してください。"
            )
        case .owedExpired:
            (
                "The library did not take it for thirty days: tell it by another way what changed.",
                "30 日間届きませんでした。変更内容を別の方法で図書館へ伝えてください。"
            )
        case .keysExist:
            (
                "Name an empty folder. To change a kiosk's signing key, use `kazashi key rotate`.",
                "空のフォルダーを指定してください。署名鍵の更新には kazashi key rotate を使います。"
            )
        case .keyAlreadyPrepared:
            (
                "A next key is there. Hand `kazashi key show` to every library, then run `kazashi key rotate --activate`.",
                "次の鍵は作成済みです。kazashi key show の出力を各図書館に渡してから、kazashi key rotate --activate を実行してください。"
            )
        case .keyNotPrepared:
            ("Run `kazashi key rotate` first: it makes the next key.", "先に kazashi key rotate で次の鍵を作ってください。")
        case .keyNotWritten:
            (
                "The key in use was not changed. Check the rights and the room of the folder of kiosk.signing_key.",
                "使用中の鍵は変更していません。kiosk.signing_key のフォルダーの権限と空きを確認してください。"
            )
        case .kioskNotRunning:
            ("Start it: systemctl start kazashi.", "起動してください：systemctl start kazashi")
        case .outOfServiceNow:
            ("The lines below say what is missing.", "以下の項目を確認してください。")
        case .stateFolder:
            (
                "Make room on the disk; the state folder must be writable, for what must outlive a start.",
                "ディスクの空きを増やし、state フォルダーに書き込めるようにしてください。"
            )
        case .clockUnset:
            (
                "Give the board a time server (systemd-timesyncd) or a battery clock; with a clock of your own trust set "
                    + "time.source to \"system\".",
                "時刻サーバー（systemd-timesyncd）か電池付き時計を用意してください。"
            )
        case .clockUnknown:
            (
                "The sandbox must allow adjtimex and clock_adjtime: compare the service with systemd/sandbox.conf.",
                "サンドボックスで adjtimex と clock_adjtime を許可してください（systemd/sandbox.conf と比較）。"
            )
        case .anchorExpired:
            ("Get the authority's new certificate and put it beside the old one.", "認証局の新しい証明書を入手して追加してください。")
        case .testCards:
            (
                "Only for trials: take trust.test and the test anchors out before patrons come.",
                "試験用の設定です。本番では trust.test と試験用証明書を外してください。"
            )
        case .noLists:
            (
                "Put a revocation list of the anchors' authority into [revocation] files, or name its URL.",
                "[revocation] の files か urls に、認証局の失効リストを用意してください。"
            )
        case .noCardService:
            (
                "See `systemctl status pcscd.socket`, and that board/polkit's rule is installed for the user kazashi.",
                "systemctl status pcscd.socket と、polkit のルール（board/polkit）を確認してください。"
            )
        case .noReader:
            (
                "Plug the reader in; pcsc_scan lists what pcscd sees. Compare reader.name.",
                "リーダーを接続してください（pcsc_scan で一覧）。reader.name も確認してください。"
            )
        case .readerHeld:
            (
                "Unplug the reader and plug it in again; if that does not help, restart pcscd.",
                "リーダーを抜き差ししてください。直らなければ pcscd を再起動してください。"
            )
        case .noRegistrations:
            ("Import them: kazashi registration import.", "kazashi registration import で登録してください。")
        case .libraryName:
            ("Check the name in the library's url, and the board's name server.", "url のホスト名と DNS を確認してください。")
        case .libraryUnreachable:
            (
                "Check the network, the library's url and its firewall; is its receiver running?",
                "ネットワーク、url、ファイアウォール、図書館側の受信プログラムを確認してください。"
            )
        case .libraryTLS:
            (
                "Check the server's certificate and name, and the library's ca, client_certificate and client_key.",
                "サーバー証明書と名前、ca・client_certificate・client_key を確認してください。"
            )
        case .libraryKey:
            (
                "receiver_key (or shared_key) is not the library's: get its key anew.",
                "receiver_key（または shared_key）が図書館の鍵と違います。入手し直してください。"
            )
        case .libraryRefuses:
            (
                "Hand `kazashi key show` to the library again; compare kiosk.id, the audience and both clocks.",
                "kazashi key show の出力を図書館に登録し、kiosk.id・audience・双方の時計を照合してください。"
            )
        case .certificateEnds:
            ("Get a new one, and name its file in the library's part.", "新しい証明書を入手し、設定の図書館の項に指定してください。")
        case .cardLeft:
            ("Take the card into safe keeping, as your rules have it.", "カードを保管し、館の規則に従って返却してください。")
        case .folderNotWritable:
            ("Check the rights and the room of that folder.", "フォルダーの権限と空きを確認してください。")
        case .coreDumps:
            ("Set LimitCORE=0 for the service, as kazashi.service does.", "サービスに LimitCORE=0 を設定してください。")
        case .certificateFile:
            ("Check the path; certificates and lists are PEM or DER.", "ファイルの場所と形式（PEM か DER）を確認してください。")
        case .listRefused:
            (
                "The list that was served is served still. Get the list again from its authority; check that its issuer "
                    + "is among the anchors.",
                "これまでの失効リストを使い続けます。発行元から取り直し、発行者の証明書が設定にあるか確認してください。"
            )
        case .listRollback:
            (
                "An older list, or another one of the same number, is never taken. Get the newest list from its authority.",
                "古いリスト、または番号が同じ別のリストは使いません。発行元から最新のリストを取得してください。"
            )
        case .listOfFuture:
            (
                "Look at the clock: if it is wrong, set it and give the list again; if it is right, ask the list's authority.",
                "時計が違う場合は合わせてから、もう一度取り込んでください。時計が正しければ、リストの発行元に確認してください。"
            )
        case .listURL:
            (
                "Write it as http://HOST/PATH or https://HOST/PATH; an IPv6 address stands in [ ].",
                "http://ホスト/パス か https://ホスト/パス の形で指定してください（IPv6 アドレスは [ ] で囲みます）。"
            )
        case .listNetwork:
            (
                "It is tried again by itself; the list that was served is served still. Check the network and the URL.",
                "自動で再試行します（これまでの失効リストを使い続けます）。ネットワークと URL を確認してください。"
            )
        case .storeUnavailable:
            (
                "The list that was served is served still. Make room on the disk, and check that the state folder can be "
                    + "written.",
                "これまでの失効リストを使い続けます。ディスクの空きと、state フォルダーの書き込み権限を確認してください。"
            )
        case .listsRunOut:
            (
                "Cards that these lists cover are refused once they have run out. Check how lists come to the kiosk: "
                    + "[revocation] files and urls.",
                "期限が切れると、そのリストの対象カードは使えません。失効リストの配布（[revocation] の files と urls）を確認してください。"
            )
        case .listForgotten:
            (
                "An older list of that scope can be taken now: give the store the newest one of its authority.",
                "この範囲では古いリストも取り込めるようになりました。発行元の最新のリストを取り込んでください。"
            )
        case .listAhead:
            (
                "If the clock is right, make the store forget that list (`kazashi crl forget`) and import the authority's "
                    + "newest one; if not, set the clock.",
                "時計が正しければ `kazashi crl forget` でそのリストを削除し、最新のリストを取り込んでください。時計が違う場合は合わせてください。"
            )
        case .numbersRebuilt:
            (
                "What could be read of it and the lists that are served were kept. Give the store the newest lists. If this "
                    + "comes again, check the disk.",
                "読み取れた記録と配信中のリストから作り直しました。最新のリストを取り込んでください。繰り返す場合はディスクを確認してください。"
            )
        case .storeDamaged:
            (
                "The index is made anew from its source. If this comes again, check the disk.",
                "索引は元のリストから作り直します。繰り返す場合はディスクを確認してください。"
            )
        }
    }
}

package import Advice

extension DeviceFault: Advised {
    package var advice: Advice {
        switch self {
        case .missing:
            Advice(
                "Device not found", "機器が見つかりません。", do: "Check cable, overlay and path; retried every 2 s.",
                "ケーブル、オーバーレイ、パスを確認してください（2 秒ごとに再試行します）。")
        case .refused:
            Advice(
                "Permission denied", "権限がありません。",
                do:
                    "Install the udev rules (/usr/lib/udev/rules.d/70-kazashi.rules), add user kazashi to their group, and restart "
                    + "the board. Of I2C buses they name i2c-1 only.",
                "udev のルール（/usr/lib/udev/rules.d/70-kazashi.rules）を入れ、ユーザー kazashi をそのグループに追加し、再起動してください（I²C バスは i2c-1 のみ対象）。"
            )
        case .busy:
            Advice(
                "Device in use by another program or driver", "別のプログラムまたはドライバーが使用中です。",
                do: "End it: fuser (package psmisc) names a program, gpioinfo (package gpiod) who holds a GPIO line.",
                "fuser（パッケージ psmisc）でプログラムを、gpioinfo（パッケージ gpiod）で GPIO の使用者を確認し、終了してください。")
        case .wrongKind:
            Advice(
                "Wrong device type", "機器の種類が違います。",
                do:
                    "Display: serial port; GPIO chip for hd44780, I2C bus for hd44780-i2c, /dev/lcd for charlcd. Lights: LEDs. "
                    + "Beeper: input device with tones, no keys.",
                "表示器にはシリアルポート（hd44780 は GPIO チップ、hd44780-i2c は I²C バス、charlcd は /dev/lcd）、ランプには LED、ブザーには音だけの入力デバイスを指定してください。"
            )
        case .blocked:
            Advice(
                "Device not accepting data", "機器がデータを受け付けません。",
                do: "Check power; on a serial port turn flow control off.",
                "電源を確認し、シリアルポートではフロー制御を無効にしてください。")
        case .broken:
            Advice("Device failure", "機器の異常です。", do: "Check it and its cable.", "機器とケーブルを確認してください。")
        }
    }
}

extension DeviceCondition {
    /// `well`, `stuck` or the fault's code.
    package var code: String {
        switch self {
        case .well: "well"
        case .stuck: "stuck"
        case .faulty(let fault): fault.rawValue
        }
    }

    package var advice: Advice? {
        switch self {
        case .well: nil
        case .stuck: DeviceFault.blocked.advice
        case .faulty(let fault): fault.advice
        }
    }
}

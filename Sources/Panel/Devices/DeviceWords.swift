package import Advice

extension DeviceFault {
    /// What a technician is to do about it.
    package var advice: Words {
        switch self {
        case .missing:
            Words(
                "There is no such device. Check the cable, the overlay and the path; it is tried again every two seconds.",
                "機器が見つかりません。ケーブル、オーバーレイ、パスを確認してください（2 秒ごとに再試行します）。")
        case .refused:
            Words(
                "The rights do not reach. Install the udev rules of board/udev, and see that the user kazashi is in their "
                    + "group.", "権限がありません。board/udev のルールを入れ、ユーザー kazashi のグループを確認してください。")
        case .busy:
            Words("Another program holds the device: end it (fuser names it).", "別のプログラムが使用中です（fuser で確認し、終了してください）。")
        case .wrongKind:
            Words(
                "It is another kind of device: a display wants a serial line, a beeper an input device with tones and "
                    + "without keys.", "機器の種類が違います。表示器にはシリアル回線、ブザーには音だけの入力デバイスを指定してください。")
        case .blocked:
            Words(
                "The device takes nothing more. Check its power, and that its flow control is off.",
                "機器が受け付けません。電源と、フロー制御が無効であることを確認してください。")
        case .broken: Words("The device fails. Check it and its cable.", "機器の異常です。機器とケーブルを確認してください。")
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

    package var advice: Words? {
        switch self {
        case .well: nil
        case .stuck: DeviceFault.blocked.advice
        case .faulty(let fault): fault.advice
        }
    }
}

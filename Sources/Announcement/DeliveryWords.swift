package import Advice

/// What is to be done about a library's answer.
extension Words {
    package static let libraryRefuses = Words(
        "Hand `kazashi key show` to the library again; compare kiosk.id, the audience and both clocks.",
        "kazashi key show の出力を図書館に登録し、kiosk.id・audience・双方の時計を照合してください。")
}

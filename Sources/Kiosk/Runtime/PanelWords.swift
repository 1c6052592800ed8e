internal import Logging
internal import Panel
internal import Service

extension Logger {
    /// One line when a part of the panel fails, and one when it is well again. Taps go on without it.
    func note(_ part: FrontPanel.Part, _ condition: DeviceCondition) {
        guard let advice = condition.advice else {
            return info("a part of the panel works again", metadata: ["part": "\(part.rawValue)"])
        }
        warning(
            "a part of the panel does not work",
            metadata: Self.words(condition.code, advice, ["part": "\(part.rawValue)"]))
    }
}

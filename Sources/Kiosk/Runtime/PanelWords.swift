internal import Logging
package import Panel

extension DeviceFault {
    /// What a technician is to do about it.
    package var advice: OperatorAdvice {
        switch self {
        case .missing: .deviceMissing
        case .refused: .deviceRefused
        case .busy: .deviceBusy
        case .wrongKind: .deviceWrongKind
        case .blocked: .deviceBlocked
        case .broken: .deviceBroken
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

    package var advice: OperatorAdvice? {
        switch self {
        case .well: nil
        case .stuck: .deviceBlocked
        case .faulty(let fault): fault.advice
        }
    }
}

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

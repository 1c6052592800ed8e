internal import CPCSC
internal import Glibc

/// A PC/SC context: one connection to pcscd. Its calls block; each context is used by one thread, except `cancel`.
final class PCSCContext: @unchecked Sendable {
    // `SCardCancel` is the one call that may come from another thread; the handle itself never changes.
    private let handle: SCARDCONTEXT

    init() throws(SmartCardError) {
        var handle = SCARDCONTEXT()
        try pcsc(SCardEstablishContext(DWORD(SCARD_SCOPE_SYSTEM), nil, nil, &handle))
        self.handle = handle
    }

    deinit { SCardReleaseContext(handle) }

    func cancel() { SCardCancel(handle) }

    func readers() throws(SmartCardError) -> [String] {
        try Self.names { SCardListReaders(handle, nil, $0, &$1) }
    }

    /// - Parameter list: asked for the list's length, without room for it, and then for the list: names that each end with
    ///   a NUL, and one more NUL.
    static func names(_ list: (UnsafeMutablePointer<CChar>?, inout DWORD) -> LONG) throws(SmartCardError) -> [String] {
        var count = DWORD(0)
        let status = list(nil, &count)
        guard PCSCStatus(status) != .noReaders else { return [] }
        try pcsc(status)
        // A reader may have come between the two calls: room for a few more names.
        count += 1024
        // safe: what the service asks for, of which it is told
        var names = [CChar](repeating: 0, count: Int(truncatingIfNeeded: count))
        let listed = list(&names, &count)
        guard PCSCStatus(listed) != .noReaders else { return [] }
        try pcsc(listed)
        return names.prefix(Int(truncatingIfNeeded: count)).split(separator: 0).compactMap(Self.text)
    }

    /// Readers bring their names along. One that is no text could not be asked for again, nor be shown: it is none of ours.
    private static func text(_ name: some Collection<CChar>) -> String? {
        guard let text = String(validating: name.map(UInt8.init(bitPattern:)), as: UTF8.self) else { return nil }
        return text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : text
    }

    /// Waits until a reader's state differs from what was known; nil when the time is over.
    func statusChange(_ known: [ReaderState], milliseconds: UInt32) throws(SmartCardError) -> [ReaderState]? {
        let names = known.map { strdup($0.name) }
        defer { names.forEach { free($0) } }
        var states = zip(known, names).map { state, name in
            var raw = SCARD_READERSTATE()
            raw.szReader = UnsafePointer(name)
            raw.dwCurrentState = DWORD(state.flags)
            return raw
        }
        let status = SCardGetStatusChange(handle, DWORD(milliseconds), &states, DWORD(states.count))
        switch PCSCStatus(status) {
        case .timeout: return nil
        case .cancelled: throw .cancelled
        default: try pcsc(status)
        }
        return zip(known, states).map { state, raw in
            ReaderState(name: state.name, flags: UInt32(truncatingIfNeeded: raw.dwEventState) & ~0x2)
        }
    }

    func connect(to reader: String) throws(SmartCardError) -> (card: SCARDHANDLE, link: TransmissionProtocol) {
        var card = SCARDHANDLE()
        var active = DWORD(0)
        try pcsc(
            SCardConnect(
                handle, reader, DWORD(SCARD_SHARE_SHARED), DWORD(SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1), &card, &active)
        )
        return (card, TransmissionProtocol(active: active))
    }
}

extension TransmissionProtocol {
    /// - Parameter active: what PC/SC says it agreed on: one of SCARD_PROTOCOL_*.
    init(active: DWORD) { self = active == DWORD(SCARD_PROTOCOL_T0) ? .t0 : .t1 }
}

/// What PC/SC knows of one reader.
struct ReaderState: Equatable, Sendable {
    /// So many of them can be watched at a time (PCSCLITE_MAX_READERS_CONTEXTS).
    static let most = 16
    /// The pseudo-reader that changes when readers come and go. It reports later changes only.
    static let plugAndPlay = "\\\\?PnP?\\Notification"

    let name: String
    /// SCARD_STATE_* in the lower half; the upper half counts insertions and removals.
    var flags: UInt32

    init(name: String, flags: UInt32 = UInt32(truncatingIfNeeded: SCARD_STATE_UNAWARE)) {
        self.name = name
        self.flags = flags
    }

    func has(_ flag: some BinaryInteger) -> Bool { flags & UInt32(truncatingIfNeeded: flag) != 0 }
    var isGone: Bool { has(SCARD_STATE_UNKNOWN) || has(SCARD_STATE_UNAVAILABLE) || has(SCARD_STATE_IGNORE) }
    var isPresent: Bool { has(SCARD_STATE_PRESENT) }
    var changes: UInt32 { flags >> 16 }
}

/// PC/SC's answers that are told apart (PC/SC part 5; pcsclite.h).
enum PCSCStatus: UInt32 {
    case success = 0
    case cancelled = 0x8010_0002
    case invalidHandle = 0x8010_0003
    case timeout = 0x8010_000A
    case unknownReader = 0x8010_0009
    case sharingViolation = 0x8010_000B
    case noSmartcard = 0x8010_000C
    case protocolMismatch = 0x8010_000F
    case communicationError = 0x8010_0013
    case readerUnavailable = 0x8010_0017
    case noService = 0x8010_001D
    case serviceStopped = 0x8010_001E
    case noReaders = 0x8010_002E
    case unresponsiveCard = 0x8010_0066
    case unpoweredCard = 0x8010_0067
    case resetCard = 0x8010_0068
    case removedCard = 0x8010_0069
    case securityViolation = 0x8010_006A

    init?(_ code: LONG) { self.init(rawValue: UInt32(truncatingIfNeeded: code)) }
}

/// Throws what `code` means, unless it means success.
func pcsc(_ code: LONG) throws(SmartCardError) {
    switch PCSCStatus(code) {
    case .success: return
    case .cancelled: throw .cancelled
    case .timeout: throw .timedOut
    // A lost pcscd shows as a communication error once and as an unknown context from then on.
    case .noService, .serviceStopped, .communicationError, .invalidHandle, .securityViolation: throw .serviceUnavailable
    case .unknownReader, .readerUnavailable, .noReaders: throw .readerUnavailable
    case .sharingViolation: throw .sharingViolation
    case .noSmartcard, .removedCard, .unpoweredCard: throw .cardRemoved
    case .resetCard: throw .cardReset
    case .unresponsiveCard, .protocolMismatch: throw .cardUnresponsive
    case nil: throw .transmissionFailed(UInt32(truncatingIfNeeded: code))
    }
}

internal import CLinux
internal import Glibc

/// A part of the panel: a display, the lamps, the beeper. Its calls may block; `DevicePlayer` gives it a thread.
package protocol PanelDevice<Step>: Sendable {
    associatedtype Step: Hashable & Sendable

    /// Opens the device; what it showed before is unknown.
    mutating func open() throws(DeviceFault)
    mutating func perform(_ step: Step) throws(DeviceFault)
    mutating func close()
}

/// Why a device of the panel does nothing.
package enum DeviceFault: String, Error, Sendable, CaseIterable {
    /// There is no such device, or no longer.
    case missing
    /// Permission denied.
    case refused
    /// Another program holds it.
    case busy
    /// It is something else, such as a keyboard where a beeper was named.
    case wrongKind = "wrong_kind"
    /// It takes nothing more: flow control is held, or nobody reads.
    case blocked
    case broken

    package init(errno code: Int32) {
        self =
            switch code {
            // An I²C device that does not answer, and a line that its chip does not have, are missing.
            case ENOENT, ENODEV, ENXIO, ENOTDIR, EREMOTEIO, EINVAL: .missing
            case EACCES, EPERM, EROFS: .refused
            case EBUSY: .busy
            case ENOTTY: .wrongKind
            case EAGAIN: .blocked
            default: .broken
            }
    }
}

/// A descriptor that writes to a device without ever waiting for long.
struct DeviceFile: Sendable {
    private let descriptor: Int32

    /// - Throws: `DeviceFault`.
    init(_ path: String) throws(DeviceFault) {
        // A line without a carrier would block the opening; a terminal must not become ours.
        descriptor = Glibc.open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw DeviceFault(errno: errno) }
    }

    var number: Int32 { descriptor }

    /// Writes all of it, or fails when the device takes nothing for `patience` milliseconds.
    func write(_ bytes: [UInt8], patience: Int32 = 500) throws(DeviceFault) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { throw DeviceFault(errno: errno) }
            var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard Glibc.poll(&poll, 1, patience) > 0 else { throw .blocked }
            guard poll.revents & Int16(POLLERR | POLLHUP) == 0 else { throw .missing }
        }
    }

    /// Writes a value from the beginning, as files of the kernel's want it.
    func set(_ value: [UInt8]) throws(DeviceFault) {
        lseek(descriptor, 0, SEEK_SET)
        try write(value)
    }

    /// Closes it. What a slow line has not sent is waited for, 200 ms at the most, and dropped then: a held line would keep
    /// `close` waiting.
    func close() {
        var left = 20
        while kz_unsent(descriptor) > 0, left > 0 {
            usleep(10_000)
            left -= 1
        }
        if kz_unsent(descriptor) > 0 { tcflush(descriptor, TCIOFLUSH) }
        Glibc.close(descriptor)
    }
}

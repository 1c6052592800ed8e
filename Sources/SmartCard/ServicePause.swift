/// How long pcscd is left alone after it was not there. Asking starts it (socket activation), and a service manager gives one
/// up that starts more than five times in ten seconds (systemd.unit(5), StartLimitBurst=); so one that dies at once is asked
/// ever more seldom, and one that was only restarted is found soon.
package struct ServicePause {
    private static let pauses: [Duration] = [.milliseconds(250), .seconds(1), .milliseconds(2_500)]
    private static let longest = Duration.seconds(5)
    /// One that stood for so long is well: its next end begins anew.
    private static let well = Duration.seconds(10)
    private var failures = 0

    package init() {}

    /// - Parameter stood: how long it was there since it was asked.
    package mutating func next(after stood: Duration) -> Duration {
        if stood >= Self.well { failures = 0 }
        defer { failures += 1 }
        return Self.pauses.dropFirst(failures).first ?? Self.longest
    }
}

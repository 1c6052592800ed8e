/// How often what stands on a display was written again. A display that lost its power behind its adapter has forgotten how
/// it was set up, and nobody tells us: now and then it is set up again.
struct ScreenRepeats: Sendable {
    /// The last two screens, which may take turns.
    private var recent: [Screen] = []
    private var count = 0
    /// With turns of four seconds, once a minute.
    private static let most = 15

    /// To be asked once before each screen.
    mutating func wantsSetUp(before screen: Screen) -> Bool {
        guard recent.contains(screen) else {
            recent = recent.suffix(1) + [screen]
            return false
        }
        count += 1
        guard count > Self.most else { return false }
        count = 0
        return true
    }
}

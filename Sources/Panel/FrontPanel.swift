/// The panel as the patron meets it: display, lamps and beeper, each by itself, so that one that is broken keeps none of
/// the others from working. Nothing here ever keeps a tap waiting.
package struct FrontPanel: Sendable {
    package enum Part: String, Sendable, CaseIterable { case display, lights, sound }

    private let layout: DisplayLayout
    private let display: (any ScorePlayer<Screen>)?
    private let lamps: (any ScorePlayer<Lamps>)?
    private let beeper: (any ScorePlayer<Tone>)?
    private let isQuiet: @Sendable () -> Bool

    /// - Parameters:
    ///   - display: nil where there is none; so with the others.
    ///   - isQuiet: asked before each sound.
    package init(
        layout: DisplayLayout, display: (any ScorePlayer<Screen>)? = nil, lamps: (any ScorePlayer<Lamps>)? = nil,
        beeper: (any ScorePlayer<Tone>)? = nil, isQuiet: @escaping @Sendable () -> Bool = { false }
    ) {
        (self.layout, self.display, self.lamps, self.beeper) = (layout, display, lamps, beeper)
        self.isQuiet = isQuiet
    }

    /// Shows a message until the next one; returns at once.
    package func show(_ message: Message) {
        display?.post(layout.score(of: message))
        lamps?.post(message.light)
        beeper?.post(isQuiet() ? .steady(.silent) : message.sound ?? .steady(.silent))
    }

    /// Works until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            if let display { group.addTask { await display.run() } }
            if let lamps { group.addTask { await lamps.run() } }
            if let beeper { group.addTask { await beeper.run() } }
            await group.waitForAll()
        }
    }

    /// How each part that is there is.
    package var conditions: [(part: Part, condition: DeviceCondition)] {
        [(.display, display?.condition), (.lights, lamps?.condition), (.sound, beeper?.condition)]
            .compactMap { part, condition in condition.map { (part, $0) } }
    }
}

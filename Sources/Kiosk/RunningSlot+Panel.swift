package import Panel
package import Service
package import Settings

extension RunningSlot {
    /// What a display says of it at the start; nil: nothing is to be said.
    package var message: Message? { fault.map { .update($0) } ?? (isOnTrial ? .updated : nil) }

    /// Why the one that should run does not; nil: it does.
    package var fault: UpdateFault? { insteadOf.map { $0.wasGood ? .didNotStart : .fellBack } }
}

extension PanelOptions {
    /// The same panel on the appliance's image: one that takes anybody's updates says TEST, too.
    package func on(_ slot: RunningSlot?) -> PanelOptions {
        guard slot?.takesTestUpdates == true else { return self }
        var options = self
        options.layout = DisplayLayout(
            width: layout.width, hasKana: layout.hasKana, language: layout.language, isTest: true,
            takesTurns: layout.takesTurns)
        return options
    }
}

import Kiosk
import Panel
import Service
import Settings
import Testing

@Suite struct RunningSlotPanelTests {
    private let other = RunningSlot.Other(slot: "B", version: "0.5.1", wasGood: true)

    @Test("At the start the display tells of a new system and of one that did not start; of any other it says nothing")
    func messages() {
        #expect(RunningSlot(slot: "A", version: "0.5.0").message == nil)
        #expect(RunningSlot(slot: "B", version: "0.5.1", isOnTrial: true).message == .updated)
        #expect(RunningSlot(slot: "A", version: "0.5.0", insteadOf: other).message == .update(.didNotStart))
        #expect(
            RunningSlot(
                slot: "A", version: "0.5.0", isOnTrial: true,
                insteadOf: .init(slot: "B", version: "0.5.1", wasGood: false)
            ).message == .update(.fellBack))
    }

    @Test("An image that takes anybody's updates says TEST on its display, as one that takes test cards does")
    func test() {
        let panel = PanelOptions()
        #expect(!panel.on(nil).layout.isTest && !panel.on(RunningSlot(slot: "A", version: "0.5.0")).layout.isTest)
        let slot = RunningSlot(slot: "A", version: "0.5.0", takesTestUpdates: true)
        #expect(panel.on(slot).layout.isTest && panel.on(slot).layout.width == panel.layout.width)
    }
}

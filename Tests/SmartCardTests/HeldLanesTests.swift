@testable import SmartCard
import Testing

@Suite struct HeldLanesTests {
    private final class Lane {}

    @Test("Two lanes and no third are set aside; the first one is told, and the end of the last one")
    func limit() {
        let lanes = (Lane(), Lane(), Lane())
        let (first, second) = (ObjectIdentifier(lanes.0), ObjectIdentifier(lanes.1))
        var held = HeldLanes()
        #expect(!held.isFull && held.count == 0)
        #expect(held.setAside(first) == true)
        #expect(!held.isFull && held.count == 1)
        #expect(held.setAside(second) == false)
        #expect(held.isFull && held.count == 2)
        #expect(held.takeBack(first) == true)
        #expect(held.isFull, "until it is closed")
        #expect(held.letGo(first) == false)
        #expect(!held.isFull)
        #expect(held.takeBack(second) == true)
        #expect(held.letGo(second) == true)
        #expect(held.setAside(ObjectIdentifier(lanes.2)) == true, "told again")
    }

    @Test("A lane is one, however many of its calls are behind the one that blocks; it is back with the last of them")
    func calls() {
        let object = Lane()
        let lane = ObjectIdentifier(object)
        var held = HeldLanes()
        for isFirst in [true, false, false] { #expect(held.setAside(lane) == isFirst) }
        #expect(held.count == 1 && !held.isFull)
        for isLast in [false, false, true] { #expect(held.takeBack(lane) == isLast) }
        #expect(held.count == 1)
        #expect(held.letGo(lane) == true)
        #expect(held.count == 0)
    }
}

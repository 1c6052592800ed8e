import SmartCard
import Testing

@Suite struct ServicePauseTests {
    @Test("A card service that dies at once is asked at most five times in ten seconds, however long that goes on")
    func dying() {
        var pause = ServicePause()
        var at = Duration.zero
        var asked: [Duration] = []
        for _ in 0..<100 {
            asked.append(at)
            at += pause.next(after: .zero)
        }
        for start in asked {
            #expect(asked.count { $0 >= start && $0 < start + .seconds(10) } <= 5)
        }
    }

    @Test("A quarter of a second, one, two and a half, and five from then on")
    func growing() {
        var pause = ServicePause()
        let pauses = (0..<5).map { _ in pause.next(after: .zero) }
        #expect(pauses == [.milliseconds(250), .seconds(1), .milliseconds(2_500), .seconds(5), .seconds(5)])
    }

    @Test("One that stood for a while is asked again soon")
    func restarted() {
        var pause = ServicePause()
        let first = pause.next(after: .zero)
        #expect(first < .seconds(1))
        for _ in 0..<9 { #expect(pause.next(after: .seconds(9)) > first) }
        #expect(pause.next(after: .seconds(10)) == first)
    }
}

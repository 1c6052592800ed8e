import Clock
import Testing

@Suite struct MillisecondsTests {
    @Test("Seconds and parts of one, both ways from zero")
    func milliseconds() {
        #expect(Duration.milliseconds(1_500).milliseconds == 1_500)
        #expect(Duration.microseconds(2_250).milliseconds == 2.25)
        #expect(Duration.seconds(-3).milliseconds == -3_000 && Duration.zero.milliseconds == 0)
    }
}

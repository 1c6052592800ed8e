import Advice
import Doctor
import Testing

@Suite struct ExaminationTests {
    @Test(
        "What ends within 90 days is a warning, what has ended is wrong, all else is nothing",
        arguments: [
            ([90 * 86_400], nil), ([90 * 86_400 - 1, 1 << 40], .warning), ([0], .warning), ([-1, 1 << 40], .wrong),
            ([], nil),
        ] as [([Int64], Finding.State?)])
    func ending(left: [Int64], state: Finding.State?) {
        let finding = Examination.ending("anchors", Words("certificates", "証明書"), left: left, do: .anchorExpired)
        #expect(finding?.state == state)
    }
}

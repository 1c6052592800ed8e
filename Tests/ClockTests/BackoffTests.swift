import Clock
import Testing

@Suite struct BackoffTests {
    @Test("Pauses double to the limit, and begin anew after a success")
    func doubles() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(5)) { $0.upperBound }
        #expect((0..<5).map { _ in backoff.failed() } == [1, 2, 4, 5, 5].map { .seconds($0) })
        backoff.succeeded()
        #expect(backoff.failed() == .seconds(1))
    }

    @Test("Two who failed together do not come back together")
    func spread() {
        let pauses = Set(
            (0..<50).map { _ in
                var backoff = Backoff(first: .seconds(60), longest: .seconds(3_600))
                return backoff.failed()
            })
        #expect(pauses.count > 40)
        #expect(pauses.allSatisfy { (.seconds(30)...(.seconds(60))).contains($0) })
    }

    @Test("However often it fails, the pause stays the longest")
    func bounded() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(60)) { $0.upperBound }
        for _ in 0..<1_000 { _ = backoff.failed() }
        #expect(backoff.failures == 1_000)
        #expect(backoff.failed() == .seconds(60))
    }
}

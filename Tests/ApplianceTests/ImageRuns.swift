import Glibc
import Testing

/// What `board/test-image` runs and `board/test` does not, one after the other: a start takes a minute, and a fallback is four of
/// them.
@Suite(
    .serialized, .timeLimit(.minutes(60)),
    .enabled(if: getenv("KAZASHI_UPDATES") != nil, "minutes each: board/test-image runs them"))
struct ImageRuns {}

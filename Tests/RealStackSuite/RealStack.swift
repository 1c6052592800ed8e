internal import TestRig
internal import Testing

/// Tests of the real stack: one pcscd at a time, so all of them, in whatever module, are one serialized suite.
@Suite(
    "Real stack", .serialized, .timeLimit(.minutes(15)),
    .enabled(if: Programs.isInPrivateNamespace, "needs the private namespaces that board/test makes"))
package enum RealStack {}

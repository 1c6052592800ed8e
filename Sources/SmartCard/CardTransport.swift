/// A powered card that takes commands one after another. PC/SC gives one (`CardReader.connect`); tests bring their own.
package protocol CardTransport: Sendable {
    var link: TransmissionProtocol { get }
    /// What was learned about long answers, shared by all presences at one reader.
    var lengths: LengthMemory { get }
    /// The answer to power-up, as the reader reports it; empty where it was not told.
    var answerToReset: [UInt8] { get }

    /// One raw exchange, over by `deadline`.
    /// - Returns: data and status word, and the time spent inside the reader.
    func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer

    /// Whether the card still lies there. Readers that are asked now and then tell a removal late: for as long it is waited
    /// for, and no longer.
    func isCardPresent() async -> Bool

    /// Ends the transaction and cuts the card's power: whatever was verified is forgotten by the card.
    func powerDown() async
}

package struct RawAnswer: Sendable {
    package let bytes: [UInt8]
    package let elapsed: Duration

    package init(bytes: [UInt8], elapsed: Duration) {
        self.bytes = bytes
        self.elapsed = elapsed
    }
}

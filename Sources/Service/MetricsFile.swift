internal import Files
internal import Threads

/// The Prometheus textfile for a node exporter to pick up: always whole, for everybody to read. It is written on a thread of
/// its own, for a disk may take its time.
package actor MetricsFile {
    private nonisolated let executor = ThreadExecutor(name: "metrics")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let path: String
    private var isSwept = false

    package init(path: String) { self.path = path }

    deinit { executor.stop() }

    /// False when it could not be written; what was there stays then.
    package func replace(with text: String) -> Bool {
        if !isSwept { NewFile.removeLeftovers(in: folder(of: path)) }
        isSwept = true
        return (try? DurableFile.publish(path, Array(text.utf8))) != nil
    }
}

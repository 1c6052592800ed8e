/// The version of everything in this package.
package enum KazashiVersion {
    package static let text = "0.5.0"
}

/// A value that identifies somebody: it is there to be used, and prints as nothing by every route.
package struct Confidential<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The value itself. Whoever takes it out keeps it out of texts.
    package let revealed: Value

    package init(_ value: Value) { revealed = value }

    package var description: String { "[confidential]" }
    package var debugDescription: String { "[confidential]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Confidential: Equatable where Value: Equatable {}
extension Confidential: Hashable where Value: Hashable {}

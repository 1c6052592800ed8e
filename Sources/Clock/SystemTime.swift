internal import Glibc

/// The system's clock, believed or not: seconds since 1970. What decides about certificates asks `TrustedClock`.
package func systemTime() -> Int64 { Int64(truncatingIfNeeded: time(nil)) }

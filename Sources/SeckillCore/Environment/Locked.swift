#if SECKILL_SANITIZE
    internal import Foundation
#else
    package import Synchronization
#endif

/// A value that one thread touches at a time: the only lock of the package.
///
/// Never held across a suspension point, never while a continuation is resumed. ThreadSanitizer reports false races
/// under `Synchronization.Mutex`, so sanitizer builds (`-Xswiftc -DSECKILL_SANITIZE`) use a pthread mutex.
package final class Locked<Value: Sendable>: Sendable {
    #if SECKILL_SANITIZE
        private let lock = NSLock()
        // Only touched with the lock held.
        nonisolated(unsafe) private var value: Value

        package init(_ value: Value) { self.value = value }

        /// Runs `body` alone with the value.
        package func withLock<Result: Sendable, Failure: Error>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            lock.lock()
            defer { lock.unlock() }
            return try body(&value)
        }
    #else
        @usableFromInline let mutex: Mutex<Value>

        // Inlinable, or every module but this one would look generic metadata up at each call.
        @inlinable package init(_ value: Value) { mutex = Mutex(value) }

        /// Runs `body` alone with the value.
        @inlinable package func withLock<Result: Sendable, Failure: Error>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try mutex.withLock { value throws(Failure) in try body(&value) }
        }
    #endif
}

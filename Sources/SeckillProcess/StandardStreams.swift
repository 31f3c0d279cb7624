internal import SystemPackage

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Standard input, output and error, whatever state the process got them in.
package enum StandardStreams {
    /// Makes sure that descriptors 0 to 2 are open, and that a stream without a reader does not end the process. Call it
    /// before anything else is opened.
    ///
    /// If one of them were closed, the next file that is opened would get its number, and a log line would be written into
    /// the ledger. A closed stream is opened on `/dev/null` in the direction that cannot be used, so that output is still
    /// known to be lost.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for stream: Int32 in 0...2 where fcntl(stream, F_GETFD) == -1 && errno == EBADF {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes `text` and the end of a line to standard output.
    ///
    /// - Throws: ``OutputError`` if it cannot be written in full.
    package static func print(_ text: String) throws(OutputError) {
        do {
            try FileDescriptor.standardOutput.writeAll("\(text)\n".utf8)
        } catch {
            throw OutputError(reason: "\(error)")
        }
    }

    /// Writes `text` to standard error, if it can be written.
    package static func note(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }
}

/// Output could not be written.
package struct OutputError: Error, CustomStringConvertible {
    let reason: String

    package var description: String { "the output cannot be written: \(reason)" }
}

internal import ArgumentParser
internal import SeckillProcess

extension DescriptorLimit {
    /// - Throws: `ValidationError` if `count` descriptors cannot be had.
    static func allow(_ count: Int) throws {
        let limit = raise()
        guard limit >= count else {
            throw ValidationError("\(count) files must be open at once and \(limit) may be: raise ulimit -n")
        }
    }
}

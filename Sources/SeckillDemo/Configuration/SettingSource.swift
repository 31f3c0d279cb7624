internal import Configuration

/// Where settings come from: flags first, then the environment.
struct SettingSource {
    private let reader: ConfigReader

    init(flags: [Setting: String], environment: [String: String]) {
        let values = flags.map { setting, text in
            (AbsoluteConfigKey(["seckill", setting.rawValue]), ConfigValue(.string(text), isSecret: setting.isSecret))
        }
        reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: Dictionary(uniqueKeysWithValues: values)),
            EnvironmentVariablesProvider(environmentVariables: environment),
        ]).scoped(to: "seckill")
    }

    func text(_ setting: Setting) -> String? {
        reader.string(forKey: ConfigKey([setting.rawValue]), isSecret: setting.isSecret)
    }

    /// The value of `setting` as `read` understands it, or nil if it is not set.
    /// - Throws: ``SettingError`` if it is set and `read` finds nothing in it.
    func value<Value>(_ setting: Setting, _ rule: String, _ read: (String) -> Value?) throws -> Value? {
        guard let text = text(setting) else { return nil }
        guard let value = read(text) else {
            throw SettingError(setting, "must be \(rule)" + (setting.isSecret ? "" : ", not '\(text)'"))
        }
        return value
    }
}

/// A setting that cannot be used.
struct SettingError: Error, CustomStringConvertible {
    let description: String

    init(_ setting: Setting, _ reason: String) {
        description = "--\(setting.rawValue) (or \(setting.variable)) \(reason)"
    }
}

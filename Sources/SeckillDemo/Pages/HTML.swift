internal import Mustache

/// Text that is inert wherever a template puts it, between tags or quotes.
///
/// Templates write it with three braces and get nothing else to write: what Mustache does with two goes by characters as
/// people see them, and a quote with an accent on it is none of those it knows.
struct HTML: MustacheCustomRenderable {
    let renderText: String
    let isNull = false

    init(_ text: String) {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        renderText = escaped
    }

    /// For the name of a browser's tab, where nothing but taking them out keeps direction marks from turning around
    /// what comes after.
    init(tab text: String) {
        self.init(String(String.UnicodeScalarView(text.unicodeScalars.filter { !$0.properties.isBidiControl })))
    }
}

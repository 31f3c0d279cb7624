/// An amount as people read it.
struct Money: Sendable {
    /// Such as `99.00 USD`.
    let text: String

    /// `amount` in the currency's minor units.
    init(_ amount: Int, _ currency: String) {
        let digits = Self.digits[currency] ?? 2
        let unit = (0..<digits).reduce(1) { unit, _ in unit * 10 }
        let fraction = String(amount % unit)
        let zeros = String(repeating: "0", count: max(0, digits - fraction.count))
        text = "\(amount / unit)" + (digits > 0 ? ".\(zeros)\(fraction)" : "") + " \(currency)"
    }

    /// The currencies of ISO 4217 whose minor unit is not a hundredth.
    private static let digits: [String: Int] = {
        let none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
        let three = "BHD IQD JOD KWD LYD OMR TND"
        var digits = ["CLF": 4, "UYW": 4]
        for currency in none.split(separator: " ") { digits[String(currency)] = 0 }
        for currency in three.split(separator: " ") { digits[String(currency)] = 3 }
        return digits
    }()
}

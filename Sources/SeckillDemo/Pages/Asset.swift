internal import Crypto
internal import SeckillCore

/// A static file, at an address that changes with its content: browsers may keep it for ever.
struct Asset: Sendable {
    let address: String
    let contentType: String
    let bytes: [UInt8]

    init(_ name: String, _ type: String, _ contentType: String, _ bytes: [UInt8]) {
        let fingerprint = Base64URL.encode(Array(SHA256.hash(data: bytes).prefix(9)))
        address = "/assets/\(name)-\(fingerprint).\(type)"
        self.contentType = contentType
        self.bytes = bytes
    }

    private static func script(_ name: String, _ bytes: [UInt8]) -> Asset {
        Asset(name, "js", "text/javascript; charset=utf-8", bytes)
    }

    static let style = Asset("style", "css", "text/css; charset=utf-8", PackageResources.style_css)
    static let icon = Asset("icon", "svg", "image/svg+xml", PackageResources.icon_svg)
    static let shop = script("shop", PackageResources.shop_js)
    static let sales = script("sales", PackageResources.sales_js)
    static let sale = script("sale", PackageResources.sale_js)
    static let orders = script("orders", PackageResources.orders_js)
    static let work = script("work", PackageResources.work_js)
    static let admin = script("admin", PackageResources.admin_js)
    static let charts = script("charts", PackageResources.charts_js)

    static let byAddress = Dictionary(
        uniqueKeysWithValues: [style, icon, shop, sales, sale, orders, work, admin, charts].map { ($0.address, $0) }
    )
}

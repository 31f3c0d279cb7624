internal import Crypto
internal import Mustache
internal import SeckillCore

/// The pages, before anything is filled in.
enum Template: String {
    case sales, sale, orders, missing, admin

    // Both are part of the binary, so that they parse is the tests' to see.
    private static let library: MustacheLibrary = {
        var library = MustacheLibrary()
        for (name, bytes) in [
            ("layout", PackageResources.layout_mustache), ("sales", PackageResources.sales_mustache),
            ("sale", PackageResources.sale_mustache), ("orders", PackageResources.orders_mustache),
            ("missing", PackageResources.missing_mustache), ("admin", PackageResources.admin_mustache),
        ] {
            do {
                try library.register(String(decoding: bytes, as: UTF8.self), named: name)
            } catch {
                preconditionFailure("\(name).mustache: \(error)")
            }
        }
        return library
    }()

    private var script: Asset {
        switch self {
        case .sales, .missing: .sales
        case .sale: .sale
        case .orders: .orders
        case .admin: .admin
        }
    }

    /// The page with `values` filled in: ``HTML``, or lists and dictionaries of it.
    func page(tab: String, _ values: [String: Any] = [:]) -> Page {
        var model = values
        model["tab"] = HTML(tab: tab)
        model["script"] = HTML(script.address)
        model["assets"] = [
            "style": HTML(Asset.style.address), "icon": HTML(Asset.icon.address), "shop": HTML(Asset.shop.address),
            "work": HTML(Asset.work.address), "charts": HTML(Asset.charts.address),
        ]
        let body = Array((Self.library.render(model, withTemplate: rawValue) ?? "").utf8)
        return Page(
            body: body,
            contentType: "text/html; charset=utf-8",
            etag: "\"\(Base64URL.encode(Array(SHA256.hash(data: body).prefix(15))))\""
        )
    }
}

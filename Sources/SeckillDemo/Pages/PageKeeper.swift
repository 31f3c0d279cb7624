internal import SeckillCore
internal import ServiceLifecycle

/// Drops the pages of sales that have changed, on this node, as soon as it hears of it.
///
/// Units that are taken do not count: they would drop a page four times a second, and a page is not fresh for longer than
/// a second anyway.
struct PageKeeper: Service {
    let flashSale: FlashSale
    let pages: Pages

    private struct Look: Equatable {
        var sale: Sale
        var stock: Int
        var state: SaleStatus.State
        var version: Int?
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var looks: [SaleID: Look] = [:]
            for await status in flashSale.saleEvents() {
                let record = status.record
                let look = Look(
                    sale: record.sale,
                    stock: record.stock,
                    state: status.state,
                    version: status.stock?.version
                )
                guard looks.updateValue(look, forKey: record.sale.id) != look else { continue }
                await pages.drop(record.sale.id)
            }
        }
    }
}

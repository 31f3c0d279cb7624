internal import SeckillCore

extension PrometheusPage {
    /// Adds what sales hold, as this node last saw it.
    mutating func add(_ sales: [SaleStatus], isReady: Bool) {
        begin("seckill_ready", type: "gauge")
        sample("seckill_ready", PrometheusLabels(), isReady ? "1" : "0")
        add("seckill_sale_units", "state", sales) { status in
            let (stock, totals) = (status.stock, status.record.totals)
            return [
                ("stock", totals.stock), ("remaining", stock?.remaining), ("pending", stock?.pending),
                ("awaiting_payment", totals.awaiting), ("paid", totals.paid), ("returning", totals.returning),
            ]
        }
        add("seckill_sale_ended_orders", "status", sales) { status in
            [
                ("expired", status.record.totals.expired), ("cancelled", status.record.totals.cancelled),
                ("rejected", status.record.totals.rejected), ("dead_lettered", status.record.totals.deadLettered),
            ]
        }
        begin("seckill_sale_epoch", type: "gauge")
        for status in sales {
            let record = status.record
            sample("seckill_sale_epoch", PrometheusLabels([("sale", record.sale.id.text)]), String(record.epoch))
        }
    }

    private mutating func add(
        _ name: String,
        _ label: String,
        _ sales: [SaleStatus],
        _ values: (SaleStatus) -> [(String, Int?)]
    ) {
        begin(name, type: "gauge")
        for status in sales {
            for case (let key, let value?) in values(status) {
                let labels = PrometheusLabels([("sale", status.record.sale.id.text), (label, key)])
                sample(name, labels, String(value))
            }
        }
    }
}

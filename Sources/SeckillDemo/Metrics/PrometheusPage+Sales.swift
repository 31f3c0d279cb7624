internal import SeckillCore

extension PrometheusPage {
    /// Adds what the sales hold at this moment. One label for each sale: their number is the operator's.
    mutating func add(_ reports: [SaleReport], isReady: Bool) {
        begin("seckill_ready", type: "gauge")
        sample("seckill_ready", PrometheusLabels(), isReady ? "1" : "0")
        add("seckill_sale_units", "state", reports) { report in
            let (stock, totals) = (report.status.stock, report.totals)
            return [
                ("stock", totals.stock), ("remaining", stock?.remaining), ("pending", stock?.pending),
                ("awaiting_payment", totals.awaiting), ("paid", totals.paid), ("returning", totals.returning),
            ]
        }
        add("seckill_sale_ended_orders", "status", reports) { report in
            [
                ("expired", report.totals.expired), ("cancelled", report.totals.cancelled),
                ("rejected", report.totals.rejected), ("dead_lettered", report.totals.deadLettered),
            ]
        }
        begin("seckill_sale_epoch", type: "gauge")
        for report in reports {
            let record = report.status.record
            sample("seckill_sale_epoch", PrometheusLabels([("sale", record.sale.id.text)]), String(record.epoch))
        }
    }

    private mutating func add(
        _ name: String,
        _ label: String,
        _ reports: [SaleReport],
        _ values: (SaleReport) -> [(String, Int?)]
    ) {
        begin(name, type: "gauge")
        for report in reports {
            for case (let key, let value?) in values(report) {
                let labels = PrometheusLabels([("sale", report.status.record.sale.id.text), (label, key)])
                sample(name, labels, String(value))
            }
        }
    }
}

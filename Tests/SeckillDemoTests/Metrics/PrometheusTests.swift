import CoreMetrics
import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct PrometheusTests {
    private let registry = PrometheusRegistry()

    @Test func everyKindIsWrittenAsItsOwn() {
        let counter = Counter(label: "seckill_rebuilds_total", factory: registry)
        counter.increment()
        counter.increment(by: 2)
        Counter(label: "a.b-c", dimensions: [("x", "\"\\\n"), ("y", "é")], factory: registry).increment()
        Gauge(label: "seckill_queue_depth", factory: registry).record(1.5)
        let timer = Timer(label: "t", dimensions: [("route", "link")], factory: registry)
        for nanoseconds in [50_000, 100_000, 2_000_000, 60_000_000_000] { timer.recordNanoseconds(nanoseconds) }
        #expect(
            registry.page.text == """
                # HELP a_b_c No description.
                # TYPE a_b_c counter
                a_b_c{x="\\"\\\\\\n",y="é"} 1
                # HELP seckill_queue_depth Reservations that are not yet in the ledger.
                # TYPE seckill_queue_depth gauge
                seckill_queue_depth 1.5
                # HELP seckill_rebuilds_total Times that a sale's stock was installed from the ledger.
                # TYPE seckill_rebuilds_total counter
                seckill_rebuilds_total 3
                # HELP t No description.
                # TYPE t histogram
                t_bucket{route="link",le="0.0001"} 2
                t_bucket{route="link",le="0.00025"} 2
                t_bucket{route="link",le="0.0005"} 2
                t_bucket{route="link",le="0.001"} 2
                t_bucket{route="link",le="0.0025"} 3
                t_bucket{route="link",le="0.005"} 3
                t_bucket{route="link",le="0.01"} 3
                t_bucket{route="link",le="0.025"} 3
                t_bucket{route="link",le="0.05"} 3
                t_bucket{route="link",le="0.1"} 3
                t_bucket{route="link",le="0.25"} 3
                t_bucket{route="link",le="0.5"} 3
                t_bucket{route="link",le="1.0"} 3
                t_bucket{route="link",le="2.5"} 3
                t_bucket{route="link",le="10.0"} 3
                t_bucket{route="link",le="+Inf"} 4
                t_sum{route="link"} 60.00215
                t_count{route="link"} 4

                """
        )
    }

    @Test func theSameNameAndLabelsAreTheSameMetric() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { [registry] in
                    let counter = Counter(label: "c", dimensions: [("a", "b")], factory: registry)
                    for _ in 0..<10_000 { counter.increment() }
                }
            }
        }
        #expect(registry.page.text.contains("c{a=\"b\"} 40000\n"))
    }

    @Test func anotherKindUnderATakenNameIsHarmless() {
        Counter(label: "x", factory: registry).increment()
        Gauge(label: "x", factory: registry).record(5)
        #expect(registry.page.text.hasSuffix("# TYPE x counter\nx 1\n"))
    }

    @Test func thePageShowsTheFunnelAndTheSales() async throws {
        let front = try await Storefront.selling("metered", stock: 2)
        let alice = try await front.logIn("alice")
        _ = try await front.send(.post, front.link("metered", alice), nil, alice)
        let sale = #"seckill_sale_units{sale="metered","#
        try await front.whileWorking {
            let isSeen = try await eventually {
                front.clock.advance(by: .milliseconds(250))
                return try await front.send(.get, "/metrics").text.contains("\(sale)state=\"remaining\"} 1\n")
            }
            #expect(isSeen, "as the last sweep saw it")
        }
        let page = try await front.send(.get, "/metrics")
        #expect(page.fields[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = page.text.split(separator: "\n")
        for line in [
            "seckill_ready 1", #"seckill_sale_units{sale="metered",state="stock"} 2"#,
            #"seckill_sale_epoch{sale="metered"} 1"#,
            #"seckill_sale_ended_orders{sale="metered",status="rejected"} 0"#,
        ] { #expect(lines.contains { $0 == line }, "\(line)") }
        #expect(lines.contains { $0.hasPrefix(#"seckill_requests_total{route="purchase"}"#) && !$0.hasSuffix(" 0") })
        #expect(try await front.send(.get, "/metrics?sale=metered").text.contains(sale))
        #expect(try await front.send(.get, "/metrics?sale=other").text.contains(sale) == false)
        // One description of each name, before its samples.
        let types = lines.filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
    }
}

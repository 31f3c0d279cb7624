internal import SeckillCore

extension SourceRules {
    static let takeOver = [
        SourceRules("what a consumer has held too long is taken over, and counted as delivered once more") { bench in
            let added = try await bench.add(3)
            _ = try await bench.receive(2, as: bench.alice)
            let early = try await bench.source.takeOver(9, idle: .seconds(60), as: bench.bob)
            try expect(early, equals: [], "at once")
            try await bench.time.pass(TestTime.short)
            let taken = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.bob)
            try expect(taken.reservations, equals: Array(added[0...1]), "taken over")
            try expect(taken.map(\.count), equals: [2, 2], "deliveries so far")
            let third = try await bench.source.takeOver(9, idle: .seconds(60), as: ConsumerID("carol"))
            try expect(third, equals: [], "from the one who has just taken it over")
            try expect(try await bench.receive(9, as: bench.bob).reservations, equals: [added[2]], "what waited")
            try await bench.time.pass(TestTime.short)
            let again = try await bench.source.takeOver(1, idle: TestTime.short, as: ConsumerID("carol"))
            try expect(again.reservations, equals: [added[0]], "taken over once more, one at most")
            try expect(again.map(\.count), equals: [3], "deliveries so far")
        },
        SourceRules("an order is idle from the millisecond that is named") { bench in
            guard let clock = bench.time.manual else { return }
            let added = try await bench.add(1)
            clock.advance(by: .seconds(3600))
            _ = try await bench.receive(1, as: bench.alice)
            clock.advance(by: .milliseconds(29_999))
            let early = try await bench.source.takeOver(9, idle: .seconds(30), as: bench.bob)
            try expect(early, equals: [], "1 ms early")
            clock.advance(by: .milliseconds(1))
            let taken = try await bench.source.takeOver(9, idle: .seconds(30), as: bench.bob)
            try expect(taken.reservations, equals: added, "in time")
        },
        SourceRules("what a consumer itself has held too long comes to it again") { bench in
            let added = try await bench.add(2)
            let held = try await bench.receive(2, as: bench.alice)
            try await bench.source.acknowledge([held[1]])
            try await bench.time.pass(TestTime.short)
            let again = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.alice)
            try expect(again.reservations, equals: [added[0]], "taken over from itself")
            try expect(again.map(\.count), equals: [2], "deliveries so far")
        },
        SourceRules("a consumer back from the dead may acknowledge what another took over") { bench in
            _ = try await bench.add(3)
            let dead = try await bench.receive(3, as: bench.alice)
            try await bench.time.pass(TestTime.short)
            let rescued = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.bob)
            try expect(rescued.reservations, equals: dead.reservations, "taken over")
            // It had recorded the first, the other one has recorded the second; both say so, late and twice.
            try await bench.source.acknowledge([dead[0]])
            try expect(try await bench.source.depth().count, equals: 2, "after the first")
            try await bench.source.acknowledge([rescued[1]])
            try await bench.source.acknowledge([dead[1]])
            try await bench.source.acknowledge([rescued[0]])
            try expect(try await bench.source.depth().count, equals: 1, "after the second")
            try await bench.time.pass(TestTime.short)
            let last = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.alice)
            try expect(last.reservations, equals: [dead[2]].reservations, "what nobody recorded")
            try await bench.source.acknowledge(last)
            try await bench.expectEmpty()
        },
        SourceRules("the late acknowledgement of one order leaves the orders that came since") { bench in
            _ = try await bench.add(2)
            let dead = try await bench.receive(2, as: bench.alice)
            try await bench.time.pass(TestTime.short)
            let rescued = try await bench.source.takeOver(9, idle: TestTime.short, as: bench.bob)
            try await bench.source.acknowledge(rescued)
            let fresh = try await bench.add(3)
            let held = try await bench.receive(2, as: bench.bob)
            try await bench.source.acknowledge(dead)
            try await bench.source.deadLetter(dead[0], because: "a test")
            try expect(try await bench.source.depth().count, equals: 3, "depth")
            try expect(held.reservations, equals: Array(fresh.prefix(2)), "held")
            try expect(try await bench.receive(9, as: bench.alice).reservations, equals: [fresh[2]], "waiting")
        },
        SourceRules("rescuers that take over at once share, each order for one of them") { bench in
            let added = try await bench.add(100)
            _ = try await bench.receive(100, as: bench.alice)
            try await bench.time.pass(TestTime.short * 4)
            let shares = try await together(10) { index in
                let rescuer = ConsumerID("rescuer-\(index)")
                return try await bench.source.takeOver(30, idle: TestTime.short * 4, as: rescuer).reservations
            }
            let taken = shares.flatMap(\.self)
            try expect(taken.count, equals: 100, "deliveries")
            try expect(Set(taken), equals: Set(added), "orders")
        },
        SourceRules("whoever dies with whatever in hand, every order is acknowledged in the end") { bench in
            let added = try await bench.add(400)
            let random = SeededRandom(1)
            let acknowledged = try await together(8) { index in
                var own: [Reservation] = []
                var life = 0
                while true {
                    let consumer = ConsumerID("consumer-\(index)-\(life)")
                    let batch = try await bench.receive(9, as: consumer)
                    if batch.isEmpty { return own }
                    // Dies after so many of them, and is another one from then on.
                    let alive = batch.prefix(Int(random.next() % 14))
                    try await bench.source.acknowledge(Array(alive))
                    own += Array(alive).reservations
                    life += 1
                }
            }
            var done = Set(acknowledged.flatMap(\.self))
            try expect(try await bench.source.depth().count, equals: 400 - done.count, "depth after the deaths")
            try await bench.time.pass(TestTime.short)
            while true {
                let rescued = try await bench.source.takeOver(50, idle: TestTime.short, as: bench.bob)
                if rescued.isEmpty { break }
                try expect(done.isDisjoint(with: rescued.reservations), "delivered although it was acknowledged")
                done.formUnion(rescued.reservations)
                try await bench.source.acknowledge(rescued)
            }
            try expect(done, equals: Set(added), "acknowledged in the end")
            try await bench.expectEmpty()
        },
    ]
}

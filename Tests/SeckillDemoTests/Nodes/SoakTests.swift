#if os(Linux)
    import Foundation
    import SeckillCore
    import TestServers
    import Testing

    @testable import SeckillDemo

    private enum Soak {
        static let seconds = Int(ProcessInfo.processInfo.environment["SECKILL_SOAK_SECONDS"] ?? "")
        static var isPossible: Bool { seconds != nil && RedisServer.path != nil }
    }

    /// A shop of several processes under load for as long as `Scripts/soak` says: what they hold must not grow with what
    /// they have done.
    @Suite(
        .timeLimit(.minutes(120)),
        .enabled(if: Soak.isPossible, "run by Scripts/soak")
    )
    struct SoakTests {
        struct Footprint: Sendable {
            /// Resident, in MiB.
            var memory: Int
            var descriptors: Int

            init(of pid: pid_t) throws {
                let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
                memory = try #require(Int(line.filter(\.isNumber))) / 1024
                descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
            }
        }

        @Test func memoryAndDescriptorsStayAsTheyAre() async throws {
            let seconds = try #require(Soak.seconds)
            let sales = [
                #"{"id":"plenty","title":"P","price":1,"stock":100000000,"limitPerUser":1000,"paymentWindow":5}"#,
                #"{"id":"scarce","title":"S","price":1,"stock":40,"limitPerUser":1000,"paymentWindow":1}"#,
            ]
            let arguments = ["--rate-limit", "off", "--sale", "[\(sales.joined(separator: ","))]"]
            try await Chain.open(.redis, arguments) { chain in
                let log = ClientLog()
                let load = Task {
                    await withDiscardingTaskGroup { group in
                        for number in 0..<16 { group.addTask { await shop(number, at: chain, log) } }
                    }
                }
                let start = ContinuousClock.now
                var footprints: [[Footprint]] = []
                // The first fifth is for warming up.
                for fifth in 1...5 {
                    let due = start + .seconds(seconds) * fifth / 5
                    try await SystemClock().sleep(for: due - .now)
                    footprints.append(try chain.programs.map { try Footprint(of: $0.pid) })
                    print("\(seconds * fifth / 5) s, \(log.answers) answers:", footprints.last!.map { "\($0)" })
                }
                load.cancel()
                await load.value
                for (first, last) in zip(footprints[0], footprints[4]) {
                    #expect(last.memory <= first.memory * 5 / 4 + 8)
                    #expect(last.descriptors <= first.descriptors + 16)
                }
            }
        }

        /// New connections and sessions all the time, by users without number.
        private func shop(_ number: Int, at chain: Chain, _ log: ClientLog) async {
            var round = 0
            while !Task.isCancelled {
                round += 1
                guard let client = try? await WebClient.connect(to: chain.ports[number % 2]) else { continue }
                let user = "\(number)-\(round)"
                let visit = Task {
                    let buyer = try await log.logIn(user, client)
                    await log.shop(as: buyer, in: ["plenty", "scarce"], seed: number)
                }
                try? await SystemClock().sleep(for: .seconds(2))
                visit.cancel()
                _ = try? await visit.value
                await client.close()
            }
        }
    }
#endif

internal import ServiceLifecycle

/// Learns which orders hold units of a sale that is sold out, so that this node can refuse all others by itself.
struct SoldOutService: Sendable {
    private static let pageSize = 1000

    let stock: any StockStore
    let soldOut: SoldOutFlags
    let signals: any OrderSignals
    let board: SaleBoard
    let clock: any SaleClock
    let outage: OutageLog

    func run() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await withDiscardingTaskGroup { group in
                        for await sale in soldOut.interests() { group.addTask { await listen(to: sale) } }
                    }
                }
                group.addTask {
                    for await status in board.changes.subscribe() where status.state == .closed {
                        soldOut.forget(status.record.sale.id)
                    }
                }
                // Side by side: a sale with many orders does not hold up another.
                for await sale in soldOut.listings() { group.addTask { await list(sale) } }
            }
        }
    }

    /// Hears which orders of `sale` are recorded on any node, for as long as buyers ask for it here.
    private func listen(to sale: SaleID) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await recorded in signals.recordedOrders(of: sale) {
                    soldOut.learn(recorded.keys, of: sale, epoch: recorded.epoch)
                }
            }
            group.addTask {
                repeat {
                    // Cancelled, it listens no longer.
                    guard (try? await clock.sleep(for: SoldOutFlags.interestLifetime)) != nil else { return }
                } while !soldOut.endInterest(in: sale)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func list(_ sale: SaleID) async {
        defer { soldOut.endListing(of: sale) }
        do {
            guard let before = try await stock.snapshot(of: sale), before.remaining == 0 else { return }
            if !soldOut.knowsAll(of: sale, before) {
                try await learnOrders(of: sale, epoch: before.epoch)
                let after = try await stock.snapshot(of: sale)
                guard after?.epoch == before.epoch, after?.version == before.version else { return }
            }
            soldOut.noteComplete(sale, before)
            outage.succeeded()
        } catch {
            // The next confirmation of the flag asks for another listing.
            outage.failed(error)
        }
    }

    private func learnOrders(of sale: SaleID, epoch: Int) async throws {
        var cursor: String?
        repeat {
            let page = try await stock.orderKeys(of: sale, epoch: epoch, after: cursor, limit: Self.pageSize)
            soldOut.learn(page.keys, of: sale, epoch: epoch)
            cursor = page.next
        } while cursor != nil
    }
}

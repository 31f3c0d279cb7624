import SeckillTesting
import Testing

@testable import SeckillCore

struct LinkedTableTests {
    /// Against the plainest thing that does the same.
    @Test func itsRowIsThatOfAnArray() {
        let random = SeededRandom(5)
        var table = LinkedTable<Int, Int>()
        var row: [(key: Int, value: Int)] = []
        for step in 0..<20_000 {
            let key = Int(random.next() % 60)
            let index = row.firstIndex { $0.key == key }
            #expect(table[key] == index.map { row[$0].value })
            switch random.next() % 4 {
            case 0:
                table[key] = nil
                if let index { row.remove(at: index) }
            case 1:
                table.moveToEnd(key)
                if let index { row.append(row.remove(at: index)) }
            default:
                table[key] = step
                if let index { row[index].value = step } else { row.append((key, step)) }
            }
            #expect(table.count == row.count)
            #expect(table.first?.key == row.first?.key)
        }
        var walked: [Int] = []
        table.forEach { key, _ in walked.append(key) }
        #expect(walked == row.map(\.key))
    }

    @Test func placesAreUsedAgain() {
        var table = LinkedTable<Int, Int>()
        for key in 0..<100_000 {
            table[key] = key
            if key >= 100 { table[key - 100] = nil }
        }
        #expect(table.count == 100)
        #expect(table.first?.key == 99_900)
        let copy = table
        table[99_900] = nil
        #expect(copy[99_900] == 99_900 && table[99_900] == nil)
    }

    @Test func aDictionaryInPartsCountsWhatItHolds() {
        var all = PartitionedDictionary<Int, [Int]>()
        for key in 0..<10_000 { all[key % 5000, default: []].append(key) }
        for key in 0..<5000 where key % 5 == 0 { all[key] = nil }
        all[5] = nil
        #expect(all.count == 4000)
        #expect(all[1] == [1, 5001] && all[5] == nil)
    }
}

// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who depends on the library builds or fetches what only measuring needs.
let package = Package(
    name: "swift-seckill-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-seckill", path: ".."),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .target(
            name: "BenchmarkSupport",
            dependencies: [.product(name: "SeckillCore", package: "swift-seckill")]
        ),
        .executableTarget(
            name: "CoreBenchmarks",
            dependencies: ["BenchmarkSupport", .product(name: "SeckillCore", package: "swift-seckill")]
        ),
        .executableTarget(
            name: "JournalBench",
            dependencies: [
                "BenchmarkSupport",
                .product(name: "SeckillCore", package: "swift-seckill"),
                .product(name: "SeckillJournal", package: "swift-seckill"),
            ]
        ),
        .executableTarget(
            name: "RedisBench",
            dependencies: [
                "BenchmarkSupport",
                .product(name: "SeckillCore", package: "swift-seckill"),
                .product(name: "SeckillRedis", package: "swift-seckill"),
            ]
        ),
        .executableTarget(
            name: "SQLiteBenchmarks",
            dependencies: [
                "BenchmarkSupport",
                .product(name: "SeckillCore", package: "swift-seckill"),
                .product(name: "SeckillSQLite", package: "swift-seckill"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]
        ),
        .executableTarget(
            name: "ConstantServer",
            dependencies: [.product(name: "Hummingbird", package: "hummingbird")]
        ),
    ]
)

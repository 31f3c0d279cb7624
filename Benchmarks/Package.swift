// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that nobody who depends on the library builds or fetches what only measuring needs.
let package = Package(
    name: "swift-seckill-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-seckill", path: "..")],
    targets: [
        .target(name: "BenchmarkSupport"),
        .executableTarget(
            name: "CoreBenchmarks",
            dependencies: ["BenchmarkSupport", .product(name: "SeckillCore", package: "swift-seckill")]
        ),
        .executableTarget(
            name: "RedisBench",
            dependencies: ["BenchmarkSupport", .product(name: "SeckillRedis", package: "swift-seckill")]
        ),
    ]
)

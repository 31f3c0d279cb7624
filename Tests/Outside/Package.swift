// swift-tools-version: 6.1
import PackageDescription

// A user of the library with a backend of their own, who takes SeckillCore and SeckillTesting and nothing else:
// see Scripts/test-outside.
let package = Package(
    name: "outside",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-seckill", path: "../..")],
    targets: [
        .target(name: "Outside", dependencies: [.product(name: "SeckillCore", package: "swift-seckill")]),
        .testTarget(
            name: "OutsideTests",
            dependencies: ["Outside", .product(name: "SeckillTesting", package: "swift-seckill")]
        ),
    ]
)

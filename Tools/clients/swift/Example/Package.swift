// swift-tools-version: 6.2
import PackageDescription

// A program on generated stubs: `Sources/Example/Generated` is what `./generate` writes.
let package = Package(
    name: "example",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "martlet", path: "../../../.."),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
    ],
    targets: [
        .executableTarget(
            name: "Example",
            dependencies: [
                .product(name: "MartletClient", package: "martlet"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ])
    ])

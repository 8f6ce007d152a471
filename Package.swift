// swift-tools-version: 6.2
import PackageDescription

// The import graph below is the one ARCHITECTURE.md draws; Tools/check-imports compares the two and every `import`.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func engine(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["MartletTestSupport"], exclude: [], resources: [.copy("Fixtures")],
        swiftSettings: strict)
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let web: [Target.Dependency] = [
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOHPACK", package: "swift-nio-http2"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .library(name: "MartletClient", targets: ["MartletClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Row 0: system libraries, generated code, kernels and the shared nouns.
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CUtf8proc", pkgConfig: "libutf8proc", providers: [.apt(["libutf8proc-dev"])]),
        .target(name: "CMartletProtos", dependencies: ["CProtobufC"]),
        .target(name: "CMartletKernels"),
        engine("MartletCore", []),

        // Row 1: one concern each.
        engine("MartletWire", ["MartletCore", "CMartletProtos", "CProtobufC", "CZlib"]),
        engine("MartletText", ["MartletCore", "CUtf8proc"]),
        engine("MartletEncoder", ["MartletCore", "CMartletKernels"]),
        engine(
            "MartletArtifact", ["MartletCore", "CZlib", .product(name: "Crypto", package: "swift-crypto")],
            exclude: ["WEIGHTS.md"]),
        engine("MartletRollout", ["MartletCore", .product(name: "Histogram", package: "hdrhistogram-swift")]),
        engine(
            "MartletScheduling",
            ["MartletCore", .product(name: "DequeModule", package: "swift-collections")]),

        // Row 2: what joins them.
        engine("MartletTransport", ["MartletCore", "MartletWire"] + nio + web),
        engine("MartletClient", ["MartletCore", "MartletWire"] + nio),
        engine(
            "MartletServing",
            [
                "MartletCore", "MartletText", "MartletEncoder", "MartletArtifact", "MartletRollout",
                "MartletScheduling",
            ]),
        engine("MartletConvert", ["MartletCore", "MartletText", "MartletEncoder", "MartletArtifact"]),

        // Row 3: the program.
        .executableTarget(
            name: "martlet",
            dependencies: [
                "MartletTransport", "MartletClient", "MartletServing", "MartletConvert", "MartletArtifact",
                "MartletRollout", "MartletScheduling", "MartletEncoder", "MartletCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),

        // Programs of Tools/, never imported by Sources.
        .executableTarget(
            name: "martlet-measure",
            dependencies: [
                "MartletCore", "MartletText", "MartletEncoder", "MartletArtifact", "MartletScheduling",
                "MartletServing", "MartletConvert", "MartletTransport", "MartletClient", "MartletWire",
                "MartletTestSupport", "CMartletKernels",
            ],
            path: "Tools/measure", swiftSettings: strict),

        .target(name: "MartletTestSupport", dependencies: ["MartletCore"], path: "Tests/MartletTestSupport"),
        tests("MartletCoreTests", ["MartletCore"]),
        tests("MartletWireTests", ["MartletWire", "MartletCore"]),
        tests("MartletTextTests", ["MartletText", "MartletCore"]),
        tests("MartletEncoderTests", ["MartletEncoder", "MartletCore", "CMartletKernels"]),
        tests(
            "MartletArtifactTests",
            ["MartletArtifact", "MartletCore", .product(name: "Crypto", package: "swift-crypto")]),
        tests("MartletRolloutTests", ["MartletRollout", "MartletCore"]),
        tests("MartletSchedulingTests", ["MartletScheduling", "MartletCore"]),
        tests(
            "MartletServingTests",
            ["MartletServing", "MartletConvert", "MartletArtifact", "MartletRollout", "MartletCore"]),
        tests(
            "MartletConvertTests",
            ["MartletConvert", "MartletArtifact", "MartletText", "MartletEncoder", "MartletCore"]),
        tests("MartletTransportTests", ["MartletTransport", "MartletClient", "MartletWire", "MartletCore"] + nio + web),
        tests(
            "martletTests",
            [
                "martlet", "MartletTransport", "MartletServing", "MartletRollout", "MartletScheduling",
                "MartletEncoder", "MartletCore", .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        // End to end: the real binary, the default models, real sockets.
        tests(
            "MartletEndToEndTests",
            ["MartletClient", "MartletServing", "MartletTransport", "MartletConvert", "MartletArtifact", "MartletCore"]
                + nio),
    ],
    swiftLanguageModes: [.v6]
)

// For builds of their own, such as the thread sanitizer's: MARTLET_TEST_TARGETS names test targets, and nothing is left
// but these and what they import.
if let names = Context.environment["MARTLET_TEST_TARGETS"] {
    var wanted = Set(names.split(separator: " ").map(String.init))
    var before = 0
    while wanted.count > before {
        before = wanted.count
        for target in package.targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
    }
    package.targets.removeAll { !wanted.contains($0.name) }
    package.products = []
}

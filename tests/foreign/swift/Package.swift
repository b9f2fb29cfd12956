// swift-tools-version:5.10
import PackageDescription

let package = Package(
    name: "Roadbook",
    products: [.library(name: "Roadbook", targets: ["Roadbook"])],
    targets: [
        .systemLibrary(name: "roadbookFFI"),
        .target(name: "Roadbook", dependencies: ["roadbookFFI"]),
        .testTarget(name: "RoadbookTests", dependencies: ["Roadbook"]),
    ]
)

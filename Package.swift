// swift-tools-version: 6.2
import PackageDescription

/// The rooms, lowest first: a room uses only rooms that stand above it in this file (`board/arrows` looks). What a room
/// may use is its `dependencies`; the build refuses an import that is not among them, `board/arrows` one that nothing uses.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Fuzz targets exist only while `KAZASHI_FUZZ` names libFuzzer's runtime without a main (`board/fuzz` sets it):
/// ordinary builds neither see nor pay for them.
let fuzzer = Context.environment["KAZASHI_FUZZ"]
let room: [SwiftSetting] =
    fuzzer == nil ? settings : settings + [.unsafeFlags(["-sanitize=fuzzer"])]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let flyingSocks = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")

var targets: [Target] = [
    // System libraries.
    .systemLibrary(name: "CPCSC", pkgConfig: "libpcsclite", providers: [.apt(["libpcsclite-dev"])]),
    .systemLibrary(name: "CMbedTLS", providers: [.apt(["libmbedtls-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "CLinux"),
    .target(name: "CTestRig"),
    .target(name: "CSHA2"),

    // The appliance.
    .target(name: "Advice", swiftSettings: room),
    .target(name: "Login", dependencies: ["Advice"], swiftSettings: room),
    .target(name: "Files", dependencies: ["CLinux"], swiftSettings: room),
    .target(name: "Clock", dependencies: ["CLinux", "Files"], swiftSettings: room),
    .target(name: "TLV", swiftSettings: room),
    .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: room),
    .target(name: "Cryptography", dependencies: ["CMbedTLS", "CSHA2"], swiftSettings: room),
    .target(name: "HTTPClient", dependencies: ["CCurl", "Threads"], swiftSettings: room),
    .target(name: "JOSE", dependencies: ["Cryptography"], swiftSettings: room),
    .target(name: "Panel", dependencies: ["CLinux", "Threads", "Advice"], swiftSettings: room),
    .target(name: "SmartCard", dependencies: ["CPCSC", "Threads"], swiftSettings: room),
    .target(name: "MyNumberCard", dependencies: ["Login", "SmartCard", "Cryptography", "TLV"], swiftSettings: room),
    .target(name: "Certificates", dependencies: ["Advice", "Cryptography", "TLV", "Clock"], swiftSettings: room),
    // Over 2,000 lines: a serial passes from the walk to the sorter, the index and the check in one optimised module; cut at
    // the index, its generic records would cross a module for each of millions of entries.
    .target(
        name: "Revocation",
        dependencies: ["Advice", "Certificates", "Cryptography", "TLV", "Files", "Clock", "CLinux"],
        swiftSettings: room),
    .target(name: "Registry", dependencies: ["Cryptography", "Advice", grdb], swiftSettings: room),
    .target(
        name: "SecurityEvents", dependencies: ["JOSE", "Cryptography"], swiftSettings: room),
    .target(
        name: "Announcement",
        dependencies: [
            "Clock", "SecurityEvents", "Login", "Certificates", "Revocation", "Registry", "MyNumberCard", "JOSE",
            "HTTPClient",
            "Cryptography",
            "Files", "Advice", grdb,
        ],
        swiftSettings: room),
    .target(
        name: "Settings",
        dependencies: [
            "Announcement", "SecurityEvents", "Certificates", "MyNumberCard", "Panel", "JOSE", "HTTPClient", "Registry",
            "Files", "Clock",
            "Cryptography", "TLV", "Advice", toml,
        ], swiftSettings: room),
    .target(
        name: "Service", dependencies: ["Login", "Clock", "Files", "Threads", "Advice", logging], swiftSettings: room),
    .target(
        name: "ListKeeper",
        dependencies: [
            "Revocation", "Certificates", "Service", "HTTPClient", "Files", "Clock", "Cryptography", "TLV",
            "Threads", "Advice", logging,
        ], swiftSettings: room),
    .target(
        name: "Registrations",
        dependencies: [
            "Announcement", "SecurityEvents", "Registry", "MyNumberCard", "Files", "Cryptography", "Advice",
            grdb,
        ],
        swiftSettings: room),
    .target(
        name: "Provisioning", dependencies: ["Settings", "Panel", "Files", "Advice"], swiftSettings: room),
    // Over 2,000 lines: one actor carries out every effect of the login. Cut, the parts of a tap would know each other both
    // ways.
    .target(
        name: "Kiosk",
        dependencies: [
            "Advice", "Login", "Settings", "Service", "ListKeeper", "Registrations", "Announcement", "SecurityEvents",
            "Registry",
            "Revocation",
            "Certificates", "MyNumberCard", "SmartCard", "Panel", "HTTPClient", "Files", "Clock", "Cryptography",
            "CLinux", "Threads", grdb, logging,
        ], swiftSettings: room),
    .target(
        name: "Doctor",
        dependencies: [
            "Kiosk", "Login", "Settings", "Service", "ListKeeper", "Registrations", "Announcement", "SecurityEvents",
            "Registry",
            "Revocation", "Certificates", "SmartCard", "Panel", "JOSE", "HTTPClient", "Files", "Clock", "Cryptography",
            "Advice", logging,
        ], swiftSettings: room),
    .executableTarget(
        name: "kazashi",
        dependencies: [
            "Kiosk", "Doctor", "Provisioning", "Settings", "Service", "ListKeeper", "Registrations", "Login",
            "Announcement", "Registry", "Certificates", "Revocation", "Clock", "JOSE", "Files", "Panel",
            "Cryptography", "TLV",
            "Advice", "CLinux", logging, arguments,
        ],
        swiftSettings: settings),

    // The counter's, at registration: the kiosk reads no name and no address.
    .target(name: "CardText", dependencies: ["MyNumberCard", "Cryptography", "TLV"], swiftSettings: room),

    // Everything that exists to try, test and pilot: never in the appliance's image.
    .target(name: "TestPKI", dependencies: ["Cryptography", "TLV"], swiftSettings: settings),
    .target(
        name: "VirtualCard",
        dependencies: ["TestPKI", "MyNumberCard", "SmartCard", "Cryptography", "Threads", "CTestRig"],
        swiftSettings: settings),
    .target(
        name: "Desk",
        dependencies: ["SecurityEvents", "JOSE", "Cryptography", "CLinux", grdb, flyingFox, flyingSocks],
        resources: [
            .embedInCode("Page/index.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
        ],
        swiftSettings: settings),
    .target(
        name: "VendorKit", dependencies: ["Desk", "SecurityEvents", "JOSE", "Cryptography"],
        resources: [.embedInCode("claims.schema.json"), .embedInCode("receiver.py")], swiftSettings: settings),
    .target(name: "LoginSpace", dependencies: ["Login"], swiftSettings: settings),
    .target(
        name: "TestRig", dependencies: ["TestPKI", "Panel", "CLinux", "CTestRig"], swiftSettings: settings),
    .target(
        name: "Pilot",
        dependencies: [
            "SecurityEvents", "Clock", "TestRig", "TestPKI", "VirtualCard", "Desk", "Kiosk", "Settings", "Service",
            "Registrations",
            "Registry",
            "Announcement", "Panel", "JOSE", "Cryptography", logging,
        ],
        swiftSettings: settings),
    // Over 2,000 lines: commands and benches, each in a file by itself; none knows another.
    .target(
        name: "Laboratory",
        dependencies: [
            "Registrations", "TestRig", "LoginSpace", "Pilot", "TestPKI", "VirtualCard", "Desk", "VendorKit", "Kiosk",
            "Settings",
            "ListKeeper", "Login", "Certificates", "Revocation", "Registry", "Announcement",
            "SecurityEvents", "Panel", "JOSE",
            "HTTPClient", "Files", "Clock", "Cryptography", "TLV", "CMbedTLS", "Advice", logging, arguments,
        ],
        swiftSettings: settings),
    .executableTarget(name: "kazashi-lab", dependencies: ["Laboratory"], swiftSettings: settings),

    // Tests mirror Sources.
    .target(name: "OwnThreads", path: "Tests/OwnThreads", swiftSettings: settings),
    .target(
        name: "RealStackSuite", dependencies: ["TestRig"], path: "Tests/RealStackSuite", swiftSettings: settings),
    .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: settings),
    .testTarget(name: "ClockTests", dependencies: ["Clock", "Files"], swiftSettings: settings),
    .testTarget(name: "TLVTests", dependencies: ["TLV"], swiftSettings: settings),
    .testTarget(name: "CryptographyTests", dependencies: ["Cryptography"], swiftSettings: settings),
    .testTarget(
        name: "HTTPClientTests", dependencies: ["TestRig", "Files", "HTTPClient", flyingFox, flyingSocks],
        swiftSettings: settings),
    .testTarget(name: "JOSETests", dependencies: ["JOSE", "Cryptography"], swiftSettings: settings),
    .testTarget(
        name: "PanelTests", dependencies: ["TestRig", "CLinux", "Advice", "Panel", "OwnThreads"],
        swiftSettings: settings),
    .testTarget(
        name: "SmartCardTests",
        dependencies: ["SmartCard", "Threads", "CPCSC", "RealStackSuite", "TestRig", "VirtualCard"],
        swiftSettings: settings),
    .testTarget(
        name: "MyNumberCardTests",
        dependencies: [
            "Login", "TLV", "SmartCard", "CardText", "MyNumberCard", "Cryptography", "VirtualCard", "TestPKI",
        ],
        swiftSettings: settings),
    .target(
        name: "PathFixture", dependencies: ["Certificates", "Clock", "Cryptography", "TestPKI"],
        path: "Tests/PathFixture", swiftSettings: settings),
    .testTarget(
        name: "CertificatesTests",
        dependencies: ["Certificates", "PathFixture", "Clock", "TestPKI", "Cryptography", "TLV"],
        swiftSettings: settings),
    .testTarget(
        name: "RevocationTests",
        dependencies: [
            "Revocation", "Certificates", "PathFixture", "Clock", "TestPKI", "Files", "Cryptography", "TLV",
            "OwnThreads",
        ], swiftSettings: settings),
    .testTarget(
        name: "RegistryTests", dependencies: ["Registry", "Cryptography", grdb], swiftSettings: settings),
    .testTarget(name: "LoginTests", dependencies: ["Login", "LoginSpace"], swiftSettings: settings),
    .testTarget(
        name: "AnnouncementTests",
        dependencies: [
            "TestRig", "Announcement", "SecurityEvents", "HTTPClient", "Desk", "JOSE", "Cryptography",
            "Certificates",
            "Revocation", "Clock", "Login", "MyNumberCard", "Registry", "TestPKI", "TLV", "VirtualCard", grdb,
        ],
        swiftSettings: settings),
    .testTarget(
        name: "SettingsTests",
        dependencies: [
            "Pilot", "Settings", "Panel", "TestPKI", "VirtualCard", "Announcement", "SecurityEvents", "Certificates",
            "Cryptography", "JOSE",
        ], swiftSettings: settings),
    .testTarget(
        name: "ServiceTests",
        dependencies: [
            "TestRig", "Service", "Login", "OwnThreads", logging,
        ],
        swiftSettings: settings),
    .testTarget(
        name: "ListKeeperTests",
        dependencies: [
            "TestRig", "Pilot", "ListKeeper", "Kiosk", "Laboratory", "TestPKI", "VirtualCard", "Revocation",
            "Certificates", "HTTPClient", "Files", "Clock", "Cryptography", "Advice", "OwnThreads", logging,
        ], swiftSettings: settings),
    .testTarget(
        name: "RegistrationsTests",
        dependencies: [
            "Pilot", "Registrations", "Kiosk", "Settings", "Service", "Desk", "VirtualCard", "Registry",
            "Announcement", "SecurityEvents",
            "Cryptography", grdb,
        ], swiftSettings: settings),
    .testTarget(
        name: "ProvisioningTests", dependencies: ["Provisioning", "Settings", "Panel", "Pilot"], swiftSettings: settings
    ),
    .testTarget(
        name: "DoctorTests",
        dependencies: [
            "Advice", "Kiosk", "Doctor", "Login", "Panel", "Pilot", "Service", "Settings", "HTTPClient", grdb,
        ],
        swiftSettings: settings),
    .testTarget(
        name: "KioskTests",
        dependencies: [
            "TestPKI", "Registry", "Certificates", "Login", "TestRig", "Pilot", "Kiosk", "Laboratory", "VirtualCard",
            "Desk", "Announcement", "SecurityEvents", "Settings", "Service", "ListKeeper", "Registrations", "Clock",
            "SmartCard", "Advice", "Cryptography", "Panel", "OwnThreads", logging,
        ], swiftSettings: settings),
    .target(
        name: "ReceiverAttacks",
        dependencies: ["Desk", "Announcement", "SecurityEvents", "HTTPClient", "JOSE", "Cryptography", "CTestRig"],
        path: "Tests/ReceiverAttacks", swiftSettings: settings),
    .testTarget(
        name: "DeskTests",
        dependencies: [
            "TestRig", "Desk", "ReceiverAttacks", "Announcement", "SecurityEvents", "HTTPClient", "JOSE",
            "Cryptography", grdb, flyingSocks,
        ],
        swiftSettings: settings),
    .testTarget(
        name: "VendorKitTests",
        dependencies: [
            "TestRig", "VendorKit", "Desk", "ReceiverAttacks", "Announcement", "SecurityEvents", "HTTPClient",
            "JOSE", "Cryptography",
        ],
        swiftSettings: settings),
    .testTarget(
        name: "VirtualCardTests",
        dependencies: ["VirtualCard", "TestPKI", "Cryptography", "MyNumberCard"], swiftSettings: settings),
    .testTarget(
        name: "ApplianceTests",
        dependencies: ["RealStackSuite", "TestRig", "Pilot", "Desk", "JOSE", "SecurityEvents", "Panel", "VirtualCard"],
        swiftSettings: settings),
    .testTarget(
        name: "SystemTests",
        dependencies: [
            "RealStackSuite", "TestRig", "Pilot", "kazashi", "kazashi-lab", "Laboratory", "VirtualCard", "TestPKI",
            "Desk", "SmartCard",
            "Announcement", "SecurityEvents", "HTTPClient", "JOSE", "Revocation", "Clock", "Panel", "CPCSC", "CLinux",
            "Cryptography",
        ],
        swiftSettings: settings),
]

if let fuzzer {
    targets.append(.target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"))
    targets.append(
        .target(
            name: "FuzzDriver", dependencies: ["CFuzzer"], path: "Tests/Fuzz/Driver", swiftSettings: settings))
    for (name, rooms) in [
        "FuzzTLV": ["TLV"], "FuzzAgeRecord": ["MyNumberCard", "CardText"], "FuzzCVCertificate": ["MyNumberCard"],
        "FuzzCertificate": ["Revocation", "Certificates", "Clock"], "FuzzStatusChain": ["SmartCard"],
        "FuzzRevocationList": ["Revocation", "Certificates", "Files"],
        "FuzzRevocationIndex": ["Revocation"], "FuzzToken": ["SecurityEvents", "JOSE", "Cryptography"],
        "FuzzAcknowledgement": ["SecurityEvents", "JOSE", "Cryptography"],
    ] {
        targets.append(
            .executableTarget(
                name: name, dependencies: ["FuzzDriver"] + rooms.map { .target(name: $0) }, path: "Tests/Fuzz/\(name)",
                exclude: ["corpus"], swiftSettings: room,
                linkerSettings: [.unsafeFlags([fuzzer, "-lstdc++", "-lm"])]))
    }
}

let package = Package(
    name: "kazashi",
    products: [
        // A product of its own, so that an image never builds the laboratory.
        .executable(name: "kazashi", targets: ["kazashi"]),
        .executable(name: "kazashi-lab", targets: ["kazashi-lab"]),
    ],
    // Exact: Package.resolved is not kept.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)

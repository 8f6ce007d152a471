internal import CMartletProtos
internal import MartletCore

extension OverflowPolicy {
    /// - Throws: `.invalidArgument` for a number that this version does not know.
    init(_ wire: Martlet__V1__Overflow) throws(MartletError) {
        guard let policy = Self.allCases.first(where: { $0.wire == wire }) else {
            throw CField.unknownEnum(wire.rawValue, "overflow")
        }
        self = policy
    }

    var wire: Martlet__V1__Overflow {
        switch self {
        case .error: MARTLET__V1__OVERFLOW__OVERFLOW_ERROR
        case .truncateRight: MARTLET__V1__OVERFLOW__OVERFLOW_TRUNCATE_RIGHT
        case .truncateLeft: MARTLET__V1__OVERFLOW__OVERFLOW_TRUNCATE_LEFT
        case .window: MARTLET__V1__OVERFLOW__OVERFLOW_WINDOW
        }
    }
}

internal import MartletCore
internal import MartletWire

/// The parameters of the Open Inference Protocol that this server knows. Others are for other servers and are skipped.
enum InferenceParameters {
    typealias Table = [String: OpenInference.Parameter]

    /// `overflow`: `error` (the default), `truncate_right`, `truncate_left` or `window`; or `truncate`: true, `right`
    /// or `left`.
    static func overflow(_ table: Table) throws(MartletError) -> OverflowPolicy {
        if let overflow = table["overflow"] {
            switch overflow {
            case .text("error"): return .error
            case .text("truncate_right"), .text("truncate"): return .truncateRight
            case .text("truncate_left"): return .truncateLeft
            case .text("window"): return .window
            default:
                throw MartletError(
                    .invalidArgument, "parameters.overflow must be error, truncate_right, truncate_left or window")
            }
        }
        switch table["truncate"] {
        case nil, .bool(false)?: return .error
        case .bool(true)?, .text("right")?: return .truncateRight
        case .text("left")?: return .truncateLeft
        default: throw MartletError(.invalidArgument, "parameters.truncate must be true, false, right or left")
        }
    }

    /// The call's deadline, and the one that `timeout` sets: microseconds from the call's arrival; 0 sets none.
    static func deadline(_ table: Table, _ context: CallContext) throws(MartletError) -> Deadline {
        guard let microseconds = try number(table, "timeout"), microseconds > 0 else { return context.deadline }
        let own = context.arrival.advanced(by: .microseconds(microseconds))
        guard let given = context.deadline.instant else { return Deadline(own) }
        return Deadline(min(own, given))
    }

    /// Accepted, and without effect: every call has the same priority.
    static func checkPriority(_ table: Table) throws(MartletError) { _ = try number(table, "priority") }

    static func isBinary(_ table: Table, _ place: String) throws(MartletError) -> Bool? {
        try flag(table, "binary_data", "\(place).parameters")
    }

    static func areOutputsBinary(_ table: Table) throws(MartletError) -> Bool {
        try flag(table, "binary_data_output", "parameters") ?? false
    }

    /// `classification` of an output; nil for numbers.
    static func classes(_ table: Table, _ place: String) throws(MartletError) -> Int? {
        guard let value = table["classification"] else { return nil }
        guard let classes = whole(value), classes >= 0 else {
            throw MartletError(.invalidArgument, "\(place).parameters.classification must be a whole number from 0")
        }
        return classes == 0 ? nil : classes
    }

    private static func number(_ table: Table, _ name: String) throws(MartletError) -> Int? {
        guard let value = table[name] else { return nil }
        guard let number = whole(value), number >= 0 else {
            throw MartletError(.invalidArgument, "parameters.\(name) must be a whole number from 0")
        }
        return number
    }

    private static func whole(_ value: OpenInference.Parameter) -> Int? {
        switch value {
        case .integer(let number): Int(exactly: number)
        case .unsigned(let number): Int(exactly: number)
        default: nil
        }
    }

    private static func flag(_ table: Table, _ name: String, _ place: String) throws(MartletError) -> Bool? {
        switch table[name] {
        case nil: return nil
        case .bool(let value)?: return value
        default: throw MartletError(.invalidArgument, "\(place).\(name) must be true or false")
        }
    }
}

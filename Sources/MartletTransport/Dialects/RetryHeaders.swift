internal import MartletCore

extension MartletError {
    /// `retry-after` in whole seconds, rounded up, where the error knows how long to wait.
    var retryHeaders: [(name: String, value: String)] {
        guard let retryAfter, retryAfter > .zero else { return [] }
        let (seconds, attoseconds) = retryAfter.components
        return [(name: "retry-after", value: String(attoseconds > 0 ? seconds + 1 : seconds))]
    }
}

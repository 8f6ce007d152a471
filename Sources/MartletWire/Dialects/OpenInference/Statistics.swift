package import MartletCore

extension OpenInference {
    package struct StatisticDuration: Sendable, Hashable {
        package var count: Int
        package var nanoseconds: UInt64

        package init(count: Int = 0, nanoseconds: UInt64 = 0) {
            self.count = count
            self.nanoseconds = nanoseconds
        }

        fileprivate init(count: Int, _ duration: Duration) {
            self.init(count: count, nanoseconds: duration.wholeNanoseconds)
        }
    }

    /// What a version has done, in Triton's words: a call is a request, a text an inference, a batch an execution;
    /// tokenizing is the computing of the input, and of an output nothing is computed.
    package struct Statistics: Sendable, Hashable {
        package var name: String
        package var version: String
        /// Milliseconds since 1970; 0 before the first.
        package var lastInferenceMilliseconds: Int
        package var inferences: Int
        package var executions: Int
        package var success: StatisticDuration
        package var fail: StatisticDuration
        package var queue: StatisticDuration
        package var computeInput: StatisticDuration
        package var computeInfer: StatisticDuration
        package var computeOutput: StatisticDuration

        package init(_ statistics: ModelStatistics) {
            name = statistics.name
            version = String(statistics.version)
            lastInferenceMilliseconds = statistics.lastUsedMilliseconds
            inferences = statistics.texts
            executions = statistics.batches
            success = StatisticDuration(count: statistics.calls, statistics.callTime)
            fail = StatisticDuration(count: statistics.failures)
            queue = StatisticDuration(count: statistics.texts, statistics.queue)
            computeInput = StatisticDuration(count: statistics.texts, statistics.tokenize)
            computeInfer = StatisticDuration(count: statistics.texts, statistics.compute)
            computeOutput = StatisticDuration(count: statistics.texts)
        }
    }
}
